import Synchronization

/// A value that threads change and tasks wait for.
public final class Watched<Value: Sendable>: Sendable {
    private struct Waiter {
        var isSatisfied: @Sendable (Value) -> Bool
        var continuation: CheckedContinuation<Value?, Never>
    }

    private struct State {
        var value: Value
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state: Mutex<State>

    public init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    public var value: Value { state.withLock { $0.value } }

    /// Changes the value and resumes everyone whose condition has become true.
    @discardableResult
    public func update<Result: Sendable>(_ change: (inout Value) -> Result) -> Result {
        let (result, satisfied, value) = state.withLock { state in
            let result = change(&state.value)
            let value = state.value
            let satisfied = state.waiters.filter { $0.value.isSatisfied(value) }
            for key in satisfied.keys { state.waiters[key] = nil }
            return (result, satisfied.values.map(\.continuation), value)
        }
        for continuation in satisfied { continuation.resume(returning: value) }
        return result
    }

    /// The first value that meets the condition; nil when `timeout` passes before.
    public func first(
        within timeout: Duration, where condition: @escaping @Sendable (Value) -> Bool
    ) async -> Value? {
        await withCheckedContinuation { continuation in
            let (met, key): (Value?, Int) = state.withLock { state in
                if condition(state.value) { return (state.value, 0) }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = Waiter(
                    isSatisfied: condition, continuation: continuation)
                return (nil, state.nextWaiter)
            }
            if let met { return continuation.resume(returning: met) }
            Task {
                try? await Task.sleep(for: timeout)
                let waiter = state.withLock { $0.waiters.removeValue(forKey: key) }
                waiter?.continuation.resume(returning: nil)
            }
        }
    }
}
