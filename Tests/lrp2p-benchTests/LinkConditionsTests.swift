import LRP2P
import Testing

@testable import lrp2p_bench

@Suite struct LinkConditionsTests {
    @Test(arguments: [("5%", 0.05), ("0.25", 0.25), ("100%", 1), ("0", 0)])
    func shares(text: String, value: Double) {
        #expect(Share(argument: text)?.value == value)
    }

    @Test(arguments: ["", "%", "101%", "-1%", "nan", "x", "1.5"])
    func wrongShares(text: String) {
        #expect(Share(argument: text) == nil)
    }

    @Test(arguments: [
        ("20ms", Interval.milliseconds(20)), ("1.5s", .milliseconds(1500)),
        ("300us", .microseconds(300)), ("0s", .zero),
    ])
    func spans(text: String, value: Interval) {
        #expect(Span(argument: text)?.interval == value)
    }

    @Test(arguments: ["", "20", "ms", "-1ms", "nans", "infs", "1e99s", "20 ms"])
    func wrongSpans(text: String) {
        #expect(Span(argument: text) == nil)
    }

    @Test(arguments: [("8bit", 1.0), ("80kbit", 10_000), ("10mbit", 1_250_000), ("1gbit", 1.25e8)])
    func rates(text: String, bytesPerSecond: Double) {
        #expect(BitRate(argument: text)?.bytesPerSecond == bytesPerSecond)
    }

    @Test(arguments: ["", "10", "mbit", "-1mbit", "0bit", "infbit", "nanbit"])
    func wrongRates(text: String) {
        #expect(BitRate(argument: text) == nil)
    }
}
