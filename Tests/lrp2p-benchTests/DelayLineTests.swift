import LRP2P
import LRP2PSimulation
import Testing

@testable import lrp2p_bench

@Suite struct DelayLineTests {
    private func insert(
        _ line: inout DelayLine<Int>, _ bytes: [UInt8], _ route: Int, _ due: Int64
    ) -> Bool {
        bytes.withUnsafeBytes {
            line.insert($0, route: route, due: Instant(nanoseconds: due))
        }
    }

    private func pop(_ line: inout DelayLine<Int>, _ now: Int64) -> (route: Int, bytes: [UInt8])? {
        var buffer = [UInt8](repeating: 0, count: 64)
        let entry = buffer.withUnsafeMutableBytes {
            line.popDue(now: Instant(nanoseconds: now), into: $0)
        }
        return entry.map { ($0.route, Array(buffer[..<$0.length])) }
    }

    @Test func comesOutByTimeThenByOrder() {
        var line = DelayLine<Int>(slotBytes: 64)
        for (route, due) in [(0, Int64(30)), (1, 10), (2, 20), (3, 10), (4, 20), (5, 10)] {
            #expect(insert(&line, [UInt8](repeating: UInt8(route), count: route), route, due))
        }
        #expect(pop(&line, 9)?.route == nil)
        var found: [Int] = []
        while let (route, bytes) = pop(&line, 30) {
            found.append(route)
            #expect(bytes == [UInt8](repeating: UInt8(route), count: route))
        }
        #expect(found == [1, 3, 5, 2, 4, 0])
        #expect(line.count == 0)
    }

    @Test func slotsAreUsedAgainWithoutMixing() {
        var line = DelayLine<Int>(slotBytes: 64)
        var random = SeededRandom(seed: 9)
        var alive: [Int: [UInt8]] = [:]
        for n in 0..<20_000 {
            let bytes = (0..<random.below(64)).map { _ in UInt8(random.below(256)) }
            #expect(insert(&line, bytes, n, Int64(random.below(1000))))
            alive[n] = bytes
            while line.count > 300, let (route, bytes) = pop(&line, 1000) {
                #expect(alive.removeValue(forKey: route) == bytes)
            }
        }
        while let (route, bytes) = pop(&line, 1000) {
            #expect(alive.removeValue(forKey: route) == bytes)
        }
        #expect(alive.isEmpty)
    }

    @Test func beyondTheLimitNothingIsTaken() {
        var line = DelayLine<Int>(slotBytes: 1)
        for n in 0..<DelayLine<Int>.limit { #expect(insert(&line, [1], n, 1)) }
        #expect(!insert(&line, [1], 0, 1))
        #expect(line.count == DelayLine<Int>.limit)
        #expect(pop(&line, 1)?.route == 0)
        #expect(insert(&line, [1], 0, 1))
    }
}
