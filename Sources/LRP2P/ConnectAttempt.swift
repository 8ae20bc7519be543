import Synchronization

/// One call of `connect`, between its task and the network thread.
final class ConnectAttempt: Sendable {
    let address: SocketAddress
    let expected: PeerID?
    let congestionControl: CongestionControlAlgorithm?
    private let done: Waiters
    private let state = Mutex(State.waiting)

    private enum State {
        case waiting
        case abandoned(ConnectError)
        case done(Result<PeerConnection, ConnectError>)
    }

    init(
        address: SocketAddress, expected: PeerID?,
        congestionControl: CongestionControlAlgorithm? = nil, mailbox: Mailbox
    ) {
        self.address = address
        self.expected = expected
        self.congestionControl = congestionControl
        done = Waiters(mailbox: mailbox)
    }

    /// Why no one waits for it any more; `nil` while somebody does, or has got the result.
    var abandonment: ConnectError? {
        state.withLock { if case .abandoned(let error) = $0 { error } else { nil } }
    }

    /// Network thread: the result. Returns false when no one waits for it any more.
    @discardableResult
    func finish(_ result: Result<PeerConnection, ConnectError>) -> Bool {
        let isWanted = state.withLock { state in
            guard case .waiting = state else { return false }
            state = .done(result)
            return true
        }
        if isWanted { done.advance() }
        return isWanted
    }

    /// The task: waits for the result. `nil` when it was given up, with the reason.
    func result(
        deadline: ContinuousClock.Instant?
    ) async -> (result: Result<PeerConnection, ConnectError>, isAbandoned: Bool) {
        let outcome = await done.wait(until: 1, deadline: deadline)
        return state.withLock { state in
            // A result that came in the last moment counts: the connection exists.
            if case .done(let result) = state { return (result, false) }
            let error: ConnectError = outcome == .cancelled ? .cancelled : .timedOut
            state = .abandoned(error)
            return (.failure(error), true)
        }
    }
}
