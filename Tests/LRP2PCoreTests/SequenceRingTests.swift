import Testing

@testable import LRP2PCore

struct SequenceRingTests {
    @Test func growsAndSlidesWithoutLosingAnything() {
        var ring = SequenceRing<Int>(start: 1000, filler: -1, initialCapacity: 4)
        var taken: [Int] = []
        var next = 0
        for round in 0..<500 {
            for _ in 0..<(round % 7) {
                ring.append(next)
                next += 1
            }
            for _ in 0..<min(ring.count, round % 5) { taken.append(ring.removeFirst()) }
            for position in ring.start..<ring.end {
                #expect(ring[position] == Int(position) - 1000)
            }
        }
        while ring.count > 0 { taken.append(ring.removeFirst()) }
        #expect(taken == Array(0..<next))
        #expect(ring.isEmpty && ring.start == 1000 + UInt64(next))
    }

    @Test func widenedPositionsHoldTheFiller() {
        var ring = SequenceRing<Int>(start: 0, filler: -1, initialCapacity: 4)
        ring.append(7)
        ring.extend(to: 40)
        #expect(ring.count == 40)
        #expect(ring[0] == 7 && ring[1] == -1 && ring[39] == -1)
        ring[39] = 5
        for _ in 0..<39 { _ = ring.removeFirst() }
        #expect(ring.removeFirst() == 5)
        ring.extend(to: 44)
        #expect(ring[40] == -1, "a place that was used before is the filler again")
    }
}
