import Testing

@testable import LRP2PCore

struct ReceivedPacketsTests {
    private let start = Instant(nanoseconds: 5_000_000_000)
    private let delay = Interval.milliseconds(25)

    /// Packets by reference, for the macros; the time goes on by one millisecond with each.
    private final class Box {
        var packets: ReceivedPackets
        var now: Instant

        init(threshold: Int, delay: Interval, now: Instant) {
            packets = ReceivedPackets(threshold: threshold, maximumDelay: delay)
            self.now = now
        }

        /// When the acknowledgement is due after this packet, from now; `nil` when it is not.
        func insert(
            _ number: UInt64, eliciting: Bool = true, ecn: ECNCodepoint = .notECT
        ) -> Interval? {
            now = now + .milliseconds(1)
            packets.insert(number: number, isAckEliciting: eliciting, ecn: ecn, now: now)
            return packets.acknowledgementDueAt.map { $0 - now }
        }

        func acknowledge() { packets.didAcknowledge() }

        var list: [Range<UInt64>] {
            (0..<packets.ranges.count).map { packets.ranges[$0] }
        }
    }

    private func makeBox(threshold: Int = 4) -> Box {
        Box(threshold: threshold, delay: delay, now: start)
    }

    @Test func waitsForTheThresholdOrTheDelay() {
        let box = makeBox()
        #expect(box.packets.acknowledgementDueAt == nil)
        #expect(box.insert(0) == delay)
        #expect(box.insert(1) == delay - .milliseconds(1), "the first one sets the time")
        #expect(box.insert(2) == delay - .milliseconds(2))
        #expect(box.insert(3) == .zero)
        box.acknowledge()
        #expect(box.packets.acknowledgementDueAt == nil)
        #expect(box.insert(4) == delay)
        #expect(box.list == [0..<5])
    }

    @Test func aThresholdOfOneIsAtOnce() {
        let box = makeBox(threshold: 1)
        #expect(box.insert(0) == .zero)
        #expect(makeBox(threshold: 0).insert(0) == .zero)
    }

    @Test func nothingIsOwedForAcknowledgements() {
        let box = makeBox()
        for number in 0..<9 as Range<UInt64> {
            #expect(box.insert(number, eliciting: false) == nil)
        }
        #expect(box.insert(11, eliciting: false) == nil)
        #expect(box.list == [0..<9, 11..<12])
        #expect(box.packets.largest == 11)
    }

    /// RFC 9000 §13.2.1.
    @Test func aGapAndWhatFillsItAreToldAtOnce() {
        let box = makeBox(threshold: 10)
        #expect(box.insert(0) == delay)
        #expect(box.insert(2) == .zero, "1 is missing")
        box.acknowledge()
        #expect(box.insert(3) == delay, "no news about 1")
        box.acknowledge()
        #expect(box.insert(1) == .zero, "late")
        box.acknowledge()
        #expect(box.insert(4) == delay)
    }

    @Test func aGapBeforeTheFirstPacketCounts() {
        #expect(makeBox().insert(1) == .zero)
    }

    @Test func acknowledgementsInBetweenAreNoGap() {
        let box = makeBox(threshold: 10)
        #expect(box.insert(0) == delay)
        #expect(box.insert(1, eliciting: false) == delay - .milliseconds(1))
        box.acknowledge()
        #expect(box.insert(2) == delay)
        box.acknowledge()
        #expect(box.insert(4, eliciting: false) == nil)
        #expect(box.insert(5) == .zero, "3 is missing, and this is the first to say so")
    }

    @Test func congestionIsToldAtOnce() {
        let box = makeBox()
        #expect(box.insert(0, ecn: .ect0) == delay)
        #expect(box.insert(1, ecn: .ce) == .zero)
        #expect(box.insert(2, eliciting: false, ecn: .ect1) != nil)
        #expect(box.packets.ecnCounts == ECNCounts(ect0: 1, ect1: 1, ce: 1))
    }

    @Test func repetitionsChangeNothing() {
        let box = makeBox(threshold: 2)
        #expect(box.insert(0, ecn: .ect0) == delay)
        let arrival = box.packets.largestArrivedAt
        #expect(box.insert(0, ecn: .ect0) == delay - .milliseconds(1))
        #expect(box.packets.largestArrivedAt == arrival)
        #expect(box.packets.ecnCounts.ect0 == 1)
    }

    @Test func theDelayCountsFromTheLargest() {
        let box = makeBox()
        _ = box.insert(0)
        _ = box.insert(2)
        let arrival = box.now
        _ = box.insert(1)
        #expect(box.packets.largest == 2)
        #expect(box.packets.delay(now: arrival + .milliseconds(7)) == .milliseconds(7))
        #expect(box.packets.delay(now: arrival + .milliseconds(-1)) == .zero)
    }

    @Test func theOldestRangesAreForgotten() {
        let box = makeBox()
        let limit = UInt64(ReceivedPackets.maximumRanges)
        for index in 0..<limit + 10 { _ = box.insert(index * 2) }
        #expect(box.list.count == ReceivedPackets.maximumRanges)
        #expect(box.list.first == 20..<21)
        #expect(box.list.last == (limit + 9) * 2..<(limit + 9) * 2 + 1)
        #expect(box.insert(3) == .zero, "too old to be told, and still an answer is due")
        #expect(box.list.first == 20..<21)
    }

    @Test func whatThePeerKnowsIsForgotten() {
        let box = makeBox(threshold: 100)
        for number in 0..<10 as Range<UInt64> { _ = box.insert(number) }
        for number in 10..<20 as Range<UInt64> { _ = box.insert(number, eliciting: false) }
        box.acknowledge()
        box.packets.forget(below: 15)
        #expect(box.list == [15..<20])
        #expect(box.insert(20) == delay, "what is forgotten is no gap")
        box.packets.forget(below: 21)
        #expect(box.list.isEmpty && box.packets.largest == 20)
        box.acknowledge()
        #expect(box.insert(21) == delay)
        box.acknowledge()
        #expect(box.insert(23) == .zero)
    }

    /// Every order of arrival leads to the same ranges, and no gap goes untold.
    @Test(arguments: 0..<20)
    func anyOrder(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let numbers = (0..<60 as Range<UInt64>).filter { _ in random.below(5) > 0 }
        let box = makeBox(threshold: 1000)
        var seen = Set<UInt64>()
        for number in numbers.shuffled(using: &random) {
            let isLate = seen.contains { $0 > number }
            let opensGap = (seen.max().map { $0 + 1 } ?? 0) < number
            let due = box.insert(number)
            #expect((due == .zero) == (isLate || opensGap))
            box.acknowledge()
            seen.insert(number)
        }
        #expect(box.list.flatMap { Array($0) } == numbers)
    }
}
