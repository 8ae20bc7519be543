import Synchronization

/// How a wait ended.
enum WaitOutcome: Sendable {
    /// What was waited for has come.
    case reached
    /// It can never come any more.
    case finished
    case timedOut
    case cancelled
}

/// One task that waits. The first of any number of calls of ``resolve(_:)`` decides, whether it
/// comes before the task has suspended or after; so the task is resumed exactly once.
final class Waiter: Sendable {
    private enum State {
        case idle
        case suspended(CheckedContinuation<WaitOutcome, Never>)
        case resolved(WaitOutcome)
    }

    private let state = Mutex(State.idle)
    /// The position it waits for, see ``Waiters``.
    let threshold: UInt64

    init(threshold: UInt64 = 0) {
        self.threshold = threshold
    }

    var isResolved: Bool {
        state.withLock { if case .resolved = $0 { true } else { false } }
    }

    /// Never call it while holding a lock: it may run the waiting task's executor.
    func resolve(_ outcome: WaitOutcome) {
        let continuation = state.withLock { state -> CheckedContinuation<WaitOutcome, Never>? in
            switch state {
            case .resolved: return nil
            case .idle:
                state = .resolved(outcome)
                return nil
            case .suspended(let continuation):
                state = .resolved(outcome)
                return continuation
            }
        }
        continuation?.resume(returning: outcome)
    }

    /// Waits for ``resolve(_:)``, whatever happens to the task meanwhile. To be called once.
    func suspend() async -> WaitOutcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state -> WaitOutcome? in
                if case .resolved(let outcome) = state { return outcome }
                state = .suspended(continuation)
                return nil
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }

    /// Waits for ``resolve(_:)`` or for the task to be cancelled.
    func suspendCancellably() async -> WaitOutcome {
        await withTaskCancellationHandler {
            await suspend()
        } onCancel: {
            resolve(.cancelled)
        }
    }
}
