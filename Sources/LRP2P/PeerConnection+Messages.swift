// Messages that are delivered once or not at all (RFC 9221 has the like for QUIC).
extension PeerConnection {
    /// Bytes of the longest message that the path takes in one datagram now; it changes with what
    /// is learnt about the path. `nil` when the peer takes no messages, as one of the base protocol.
    public var maximumMessageBytes: Int? { published.withLock { $0.maximumMessageBytes } }

    /// Sends a message beside the stream: whole, at most once, perhaps after a later one, and
    /// perhaps never. Nothing is sent again, so that no message waits for another.
    ///
    /// Messages are subject to congestion control. Up to 256 of them, and 1 MiB, wait here when
    /// they come faster than they can leave; beyond that the oldest are dropped and counted in
    /// ``/LRP2PCore/ConnectionStatistics/messagesDropped``. Does not wait.
    public func send(message: [UInt8]) throws(MessageError) {
        if let reason = closeReason { throw .closed(reason) }
        guard let maximum = maximumMessageBytes else { throw .unsupported }
        guard message.count <= maximum else { throw .tooLong(maximum: maximum) }
        outgoing.withLock { $0.append(message) }
        notify(.message)
    }

    /// The oldest message that has arrived, waiting for one if there is none; each goes to one
    /// caller. After the connection has closed: those that are left, then throws
    /// ``ReadError/closed(_:)``.
    ///
    /// Up to 256 messages, and 1 MiB, wait to be received; beyond that the oldest are dropped and
    /// counted in ``/LRP2PCore/ConnectionStatistics/messagesDropped``.
    public func receiveMessage(
        deadline: ContinuousClock.Instant? = nil
    ) async throws(ReadError) -> [UInt8] {
        while true {
            // Both first, so that nothing is missed in between.
            let reason = closeReason, seen = arrivals.reached
            if let message = incoming.withLock({ $0.takeFirst() }) { return message }
            if let reason { throw .closed(reason) }
            switch await arrivals.wait(until: seen + 1, deadline: deadline) {
            case .reached, .finished: continue
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            }
        }
    }

    // MARK: - For the network thread

    func didReceive(message: [UInt8]) {
        incoming.withLock { $0.append(message) }
        arrivals.advance()
    }

    var messagesDropped: UInt64 {
        incoming.withLock { $0.dropped } + outgoing.withLock { $0.dropped }
    }
}
