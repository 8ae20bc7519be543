import Testing

@testable import LRP2P

@Suite struct DeadlineQueueTests {
    private func instant(_ n: Int64) -> Instant { Instant(nanoseconds: n) }

    @Test func comesOutInOrderAndNotTooEarly() {
        var queue = DeadlineQueue()
        var random = SplitMix64(seed: 3)
        var expected: [UInt64] = []
        for _ in 0..<500 {
            let time = random.next() % 1000
            expected.append(time)
            queue.insert(Waiter(threshold: time), at: instant(Int64(time)))
        }
        expected.sort()
        var found: [UInt64] = []
        for now in Int64(0)..<1000 {
            while let waiter = queue.popExpired(now: instant(now)) {
                #expect(waiter.threshold <= UInt64(now))
                found.append(waiter.threshold)
            }
            if let earliest = queue.earliest { #expect(earliest > instant(now)) }
        }
        #expect(found == expected)
        #expect(queue.count == 0)
    }

    @Test func endedWaitsAreClearedOut() {
        var queue = DeadlineQueue()
        let alive = Waiter()
        queue.insert(alive, at: instant(1_000_000))
        for i in 0..<100_000 {
            let waiter = Waiter()
            queue.insert(waiter, at: instant(2_000_000 - Int64(i)))
            waiter.resolve(.reached)
            queue.discardOne()
            #expect(queue.count <= 2 * (1 + DeadlineQueue.slack))
        }
        #expect(queue.popExpired(now: instant(1_000_000)) === alive)
    }

    @Test func orderSurvivesClearingOut() {
        var queue = DeadlineQueue()
        var random = SplitMix64(seed: 4)
        var kept: [UInt64] = []
        for i in 0..<1000 {
            let time = random.next() % 100_000
            let waiter = Waiter(threshold: time)
            queue.insert(waiter, at: instant(Int64(time)))
            if i % 4 == 0 {
                kept.append(time)
            } else {
                waiter.resolve(.cancelled)
                queue.discardOne()
            }
        }
        var found: [UInt64] = []
        while let waiter = queue.popExpired(now: .distantFuture) {
            if !waiter.isResolved { found.append(waiter.threshold) }
        }
        #expect(found == kept.sorted())
    }
}
