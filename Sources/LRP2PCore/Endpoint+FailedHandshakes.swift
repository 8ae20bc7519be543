// What is counted of handshakes that led to no connection.
extension Endpoint {
    /// Counts a handshake whose end only the owner can judge.
    public func countFailure(_ failure: OutboundHandshakeFailure) {
        shared.statistics.outboundHandshakeFailures[failure, default: 0] += 1
    }

    func countFailure(_ failure: InboundHandshakeFailure) {
        shared.statistics.inboundHandshakeFailures[failure, default: 0] += 1
    }

    /// What the end of a connection says about the handshake it began with.
    func countFailedHandshake(of connection: Connection, _ reason: CloseReason) {
        guard !connection.isConfirmed || !connection.isEstablished else { return }
        switch reason {
        case .handshakeTimeout: countFailure(OutboundHandshakeFailure.timeout)
        case .connectedToSelf: countFailure(OutboundHandshakeFailure.connectedToSelf)
        case .idleTimeout, .reset, .statelessReset:
            countFailure(OutboundHandshakeFailure.unconfirmed)
        case .local, .finished, .protocolViolation, .sequenceExhausted: break
        }
    }

    func removeExpiredHandshakes(now: Instant) {
        for handshake in handshakes.removeExpired(now: now) {
            countFailure(
                handshake.isByPeer ? InboundHandshakeFailure.timeout : .probe)
        }
    }
}
