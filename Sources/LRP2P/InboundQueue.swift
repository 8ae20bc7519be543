import Synchronization

/// Inbound connections between the network thread and those who accept them.
final class InboundQueue: Sendable {
    private struct State {
        var queue: [PeerConnection] = []
        var handler: (@Sendable (PeerConnection) -> Void)?
        var isClosed = false
    }

    /// Connections that may wait; a further one is refused.
    let limit: Int
    private let state = Mutex(State())
    /// Counts the connections that were queued.
    private let offered: Waiters

    init(limit: Int, mailbox: Mailbox) {
        self.limit = limit
        offered = Waiters(mailbox: mailbox)
    }

    /// Network thread. Returns false when the connection cannot be taken.
    func offer(_ connection: PeerConnection) -> Bool {
        enum Answer { case refuse, queued, handle(@Sendable (PeerConnection) -> Void) }
        let answer = state.withLock { state -> Answer in
            if state.isClosed { return .refuse }
            if let handler = state.handler { return .handle(handler) }
            guard state.queue.count < limit else { return .refuse }
            state.queue.append(connection)
            return .queued
        }
        switch answer {
        case .refuse: return false
        case .queued: offered.advance()
        case .handle(let handler): handler(connection)
        }
        return true
    }

    func next(deadline: ContinuousClock.Instant?) async throws(AcceptError) -> PeerConnection {
        while true {
            let seen = offered.reached
            let (connection, isClosed) = state.withLock { state in
                (state.queue.isEmpty ? nil : state.queue.removeFirst(), state.isClosed)
            }
            if let connection { return connection }
            if isClosed { throw .socketClosed }
            switch await offered.wait(until: seen + 1, deadline: deadline) {
            case .reached, .finished: continue
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            }
        }
    }

    /// Hands over what is queued, and everything from now on.
    func setHandler(_ handler: @escaping @Sendable (PeerConnection) -> Void) {
        let queued = state.withLock { state in
            guard !state.isClosed else { return [PeerConnection]() }
            state.handler = handler
            defer { state.queue = [] }
            return state.queue
        }
        for connection in queued { handler(connection) }
    }

    func close() {
        // Released outside the lock: the handler may own anything.
        let released = state.withLock { state in
            state.isClosed = true
            defer {
                state.queue = []
                state.handler = nil
            }
            return (state.queue, state.handler)
        }
        _ = released
        offered.finish()
    }
}
