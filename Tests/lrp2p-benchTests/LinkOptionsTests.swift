import ArgumentParser
import LRP2P
import LRP2PSimulation
import Testing

@testable import lrp2p_bench

@Suite struct LinkOptionsTests {
    @Test func everyOptionReachesTheConditions() throws {
        let options = try LinkOptions.parse([
            "--loss", "5%", "--duplicate", "0.02", "--reorder", "3%", "--reorder-delay", "4ms",
            "--corrupt", "0.5%", "--delay", "20ms", "--jitter", "300us", "--bandwidth", "80mbit",
            "--queue", "70000", "--seed", "9",
        ])
        var expected = LinkConditions()
        expected.loss = .independent(0.05)
        expected.duplication = 0.02
        expected.reordering = 0.03
        expected.reorderingDelay = .milliseconds(4)
        expected.corruption = 0.005
        expected.delay = .milliseconds(20)
        expected.jitter = .microseconds(300)
        expected.bytesPerSecond = 10_000_000
        expected.queueBytes = 70_000
        #expect(options.conditions == expected)
        #expect(options.seed == 9)
    }

    @Test func withoutOptionsNothingIsDisturbed() throws {
        let conditions = try LinkOptions.parse([]).conditions
        #expect(conditions.loss.expectedRatio == 0)
        #expect(conditions.duplication == 0 && conditions.reordering == 0)
        #expect(conditions.corruption == 0)
        #expect(conditions.delay == .zero && conditions.jitter == .zero)
        #expect(conditions.bytesPerSecond == nil)
    }

    @Test func theQueueHoldsSomething() {
        #expect(throws: (any Error).self) { try LinkOptions.parse(["--queue", "0"]) }
    }
}
