import Synchronization

/// The tasks that wait for a position to be reached.
///
/// Everything a connection lets tasks wait for is a position that only grows: bytes received, bytes
/// acknowledged, inbound connections offered. A waiter names the position it needs, and one that
/// has been reached already does not wait; so no wake-up can be lost between looking and waiting.
///
/// There is no limit here: every waiter is a task the application has made.
final class Waiters: Sendable {
    private struct State {
        var reached: UInt64
        var isFinished = false
        var waiting: [Waiter] = []
    }

    private let state: Mutex<State>
    private let mailbox: Mailbox

    /// - Parameter mailbox: of the network thread that keeps the deadlines.
    init(mailbox: Mailbox, reached: UInt64 = 0) {
        self.mailbox = mailbox
        state = Mutex(State(reached: reached))
    }

    var reached: UInt64 { state.withLock { $0.reached } }

    /// How many tasks wait now.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Resumes all who wait for `position` or one before it. Going backwards does nothing.
    func advance(to position: UInt64) {
        resume(.reached, state.withLock { state in
            guard position > state.reached else { return [] }
            state.reached = position
            return Waiters.takeReady(&state)
        })
    }

    /// Advances by one: for counting events that have no position of their own.
    func advance() {
        resume(.reached, state.withLock { state in
            state.reached += 1
            return Waiters.takeReady(&state)
        })
    }

    /// No position beyond the one reached will come. Resumes everyone, now and later.
    func finish() {
        resume(.finished, state.withLock { state in
            state.isFinished = true
            defer { state.waiting = [] }
            return state.waiting
        })
    }

    /// Waits until `threshold` is reached; at once when it is, or when the deadline has passed.
    func wait(until threshold: UInt64, deadline: ContinuousClock.Instant?) async -> WaitOutcome {
        let waiter = Waiter(threshold: threshold)
        let known = state.withLock { state -> WaitOutcome? in
            if state.reached >= threshold { return .reached }
            if state.isFinished { return .finished }
            state.waiting.append(waiter)
            return nil
        }
        if let known { return known }
        if let deadline {
            mailbox.schedule(waiter, at: MonotonicClock.instant(of: deadline))
        }
        let outcome = await waiter.suspendCancellably()
        if outcome == .timedOut || outcome == .cancelled {
            state.withLock { $0.waiting.removeAll { $0 === waiter } }
        }
        if deadline != nil, outcome != .timedOut {
            mailbox.discardDeadline()
        }
        return outcome
    }

    /// Waits for the end, even when the task is cancelled.
    func waitUntilFinished() async {
        let waiter = Waiter(threshold: .max)
        let isFinished = state.withLock { state in
            if !state.isFinished { state.waiting.append(waiter) }
            return state.isFinished
        }
        if !isFinished { _ = await waiter.suspend() }
    }

    private static func takeReady(_ state: inout State) -> [Waiter] {
        guard !state.waiting.isEmpty else { return [] }
        let reached = state.reached
        let ready = state.waiting.filter { $0.threshold <= reached }
        if !ready.isEmpty { state.waiting.removeAll { $0.threshold <= reached } }
        return ready
    }

    private func resume(_ outcome: WaitOutcome, _ waiters: [Waiter]) {
        for waiter in waiters { waiter.resolve(outcome) }
    }
}
