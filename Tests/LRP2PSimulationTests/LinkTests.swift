import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// A link by itself, as a relay of real datagrams uses it; its effects in virtual time are
/// `VirtualNetworkTests`' subject.
@Suite struct LinkTests {
    private struct Copy: Equatable {
        let bytes: [UInt8]
        let arrival: LinkArrival
    }

    private func send(
        _ link: inout Link, _ bytes: [UInt8], at milliseconds: Int64 = 0
    ) -> (fate: DatagramFate, copies: [Copy]) {
        var copies: [Copy] = []
        let elapsed = Interval.milliseconds(milliseconds)
        let fate = bytes.withUnsafeBytes {
            link.send(
                $0, now: Instant(nanoseconds: 1_000_000_000_000) + elapsed, elapsed: elapsed
            ) { copies.append(Copy(bytes: Array($0), arrival: $1)) }
        }
        return (fate, copies)
    }

    private func lost(_ conditions: LinkConditions, name: String = "there") -> [Bool] {
        var link = Link(conditions: conditions, seed: 3, name: name)
        return (0..<2000).map { send(&link, [1, 2, 3], at: $0).fate == .dropped(.lost) }
    }

    @Test func timesAreOnTheClockOfTheCaller() {
        var conditions = LinkConditions()
        conditions.delay = .milliseconds(20)
        conditions.partitions = [.milliseconds(5)..<(.milliseconds(8))]
        var link = Link(conditions: conditions, seed: 1, name: "there")
        #expect(send(&link, [7], at: 4).copies.map(\.arrival.time)
            == [Instant(nanoseconds: 1_000_024_000_000)])
        #expect(send(&link, [7], at: 5).fate == .dropped(.partitioned))
    }

    /// One condition does not move the dice of another.
    @Test func lossesAreTheSameUnderEveryOtherCondition() {
        var conditions = LinkConditions()
        conditions.loss = .independent(0.2)
        let calm = lost(conditions)
        conditions.delay = .milliseconds(50)
        conditions.jitter = .milliseconds(50)
        conditions.duplication = 0.5
        conditions.reordering = 0.3
        conditions.corruption = 0.3
        #expect(lost(conditions) == calm)
        #expect(calm.contains(true) && calm.contains(false))
        #expect(lost(conditions, name: "back") != calm)
    }

    @Test func copiesComeInOrderAndAreDamagedEachByItself() {
        var conditions = LinkConditions()
        conditions.duplication = 1
        conditions.corruption = 0.5
        conditions.delay = .milliseconds(20)
        conditions.jitter = .milliseconds(10)
        var link = Link(conditions: conditions, seed: 1, name: "there")
        let original = (0..<100).map { UInt8($0) }
        var damagedOf = [0, 0]
        for time in 0..<1000 as Range<Int64> {
            let (fate, copies) = send(&link, original, at: time)
            #expect(fate == .carried(copies: 2, damaged: copies.count { $0.arrival.isDamaged }))
            #expect(copies.map(\.arrival.isDuplicate) == [false, true])
            #expect(copies.allSatisfy { ($0.bytes != original) == $0.arrival.isDamaged })
            #expect(copies[0].arrival.time <= copies[1].arrival.time)
            for (index, copy) in copies.enumerated() where copy.arrival.isDamaged {
                damagedOf[index] += 1
            }
        }
        #expect(damagedOf.allSatisfy { (400...600).contains($0) })
    }
}
