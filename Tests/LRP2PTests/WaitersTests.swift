import Synchronization
import TestSupport
import Testing

@testable import LRP2P

@Suite struct WaitersTests {
    @Test func aReachedPositionDoesNotWait() async throws {
        let waiters = Waiters(mailbox: try makeMailbox(), reached: 5)
        #expect(await waiters.wait(until: 5, deadline: nil) == .reached)
        waiters.advance(to: 9)
        #expect(await waiters.wait(until: 9, deadline: nil) == .reached)
        waiters.advance(to: 3)
        #expect(waiters.reached == 9)
    }

    @Test func aFinishedOneDoesNotWait() async throws {
        let waiters = Waiters(mailbox: try makeMailbox(), reached: 5)
        waiters.finish()
        #expect(await waiters.wait(until: 6, deadline: nil) == .finished)
        #expect(await waiters.wait(until: 5, deadline: nil) == .reached)
        await waiters.waitUntilFinished()
    }

    @Test func onlyThoseWhosePositionIsReachedAreResumed() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let early = Task { await waiters.wait(until: 10, deadline: nil) }
        let late = Task { await waiters.wait(until: 20, deadline: nil) }
        try await eventually("both wait") { waiters.count == 2 }
        waiters.advance(to: 19)
        #expect(await early.value == .reached)
        #expect(waiters.count == 1)
        waiters.finish()
        #expect(await late.value == .finished)
        #expect(waiters.count == 0)
    }

    @Test func cancellationEndsTheWaitAndLeavesNothingBehind() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let task = Task { await waiters.wait(until: 1, deadline: nil) }
        try await eventually("it waits") { waiters.count == 1 }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(waiters.count == 0)
    }

    @Test func aTaskCancelledBeforehandDoesNotWait() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let task = Task { () -> WaitOutcome in
            while !Task.isCancelled { await Task.yield() }
            return await waiters.wait(until: 1, deadline: nil)
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(waiters.count == 0)
    }

    @Test func theDeadlineEndsTheWait() async throws {
        let mailbox = try makeMailbox()
        let waiters = Waiters(mailbox: mailbox)
        let isOver = Atomic(false)
        let task = Task {
            let outcome = await waiters.wait(until: 1, deadline: .now)
            isOver.store(true, ordering: .releasing)
            return outcome
        }
        try await eventually("it times out") {
            mailbox.expireDeadlines(now: MonotonicClock.now)
            return isOver.load(ordering: .acquiring)
        }
        #expect(waiters.count == 0)
        #expect(await task.value == .timedOut)
    }

    @Test func aDeadlineBeyondTheClockIsForEver() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let task = Task {
            await waiters.wait(until: 1, deadline: .now + .seconds(Int64.max / 2))
        }
        try await eventually("it waits") { waiters.count == 1 }
        waiters.advance()
        #expect(await task.value == .reached)
    }

    @Test func waitUntilFinishedOutlastsCancellation() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let isOver = Atomic(false)
        let task = Task {
            await waiters.waitUntilFinished()
            return isOver.load(ordering: .acquiring)
        }
        try await eventually("it waits") { waiters.count == 1 }
        task.cancel()
        waiters.advance()
        isOver.store(true, ordering: .releasing)
        waiters.finish()
        #expect(await task.value)
    }

    /// Reaching, deadline, cancellation and finishing meet from different threads; a second
    /// resumption would trap, a lost one would hang.
    @Test func racesResumeExactlyOnce() async throws {
        let mailbox = try makeMailbox()
        for round in 0..<2_000 {
            let waiters = Waiters(mailbox: mailbox)
            await withTaskGroup(of: Void.self) { group in
                let waiter = Task {
                    await waiters.wait(until: 1, deadline: round % 3 == 0 ? nil : .now)
                }
                group.addTask { _ = await waiter.value }
                group.addTask { waiter.cancel() }
                group.addTask { mailbox.expireDeadlines(now: MonotonicClock.now) }
                group.addTask { round % 2 == 0 ? waiters.advance() : waiters.finish() }
            }
            #expect(waiters.count == 0)
        }
    }

    @Test func nothingIsLostBetweenLookingAndWaiting() async throws {
        let waiters = Waiters(mailbox: try makeMailbox())
        let last: UInt64 = 20_000
        let producer = Task.detached {
            for position in 1...last { waiters.advance(to: position) }
        }
        var position: UInt64 = 0
        while position < last {
            #expect(await waiters.wait(until: position + 1, deadline: nil) == .reached)
            position = waiters.reached
        }
        await producer.value
    }
}
