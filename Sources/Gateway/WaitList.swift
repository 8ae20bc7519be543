import Synchronization

/// Tasks that wait for something to change. Waiting costs no thread.
///
/// A waiter takes `generation`, looks at what it waits for, and waits for the next generation only
/// if it did not find it: what happens in between is not missed.
final class WaitList: Sendable {
    private struct State {
        var generation: UInt64 = 0
        var nextID: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Waiters whose deadline or cancellation came before they were registered.
        var finishedEarly: Set<UInt64> = []
    }

    private let state = Mutex(State())

    var generation: UInt64 { state.withLock { $0.generation } }

    /// Something changed: wakes every waiter.
    func wakeAll() {
        let waiters = state.withLock { state in
            state.generation += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the generation is not `generation` any more, at the deadline, or when the task
    /// is cancelled.
    func wait(whileGeneration generation: UInt64, deadline: ContinuousClock.Instant?) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let timer = deadline.map { deadline in
            Task {
                if (try? await Task.sleep(until: deadline, clock: .continuous)) != nil {
                    self.finish(id)
                }
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.generation != generation || state.finishedEarly.contains(id) {
                        return true
                    }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            finish(id)
        }
        timer?.cancel()
        await timer?.value
        state.withLock { _ = $0.finishedEarly.remove(id) }
    }

    private func finish(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
            state.finishedEarly.insert(id)
            return nil
        }
        waiter?.resume()
    }
}
