import LRP2PCore

// What may end a connection, and one of its streams.
extension SimulatedConnection {
    /// Checks that the stream of the peer has indeed ended and arrived.
    func noteRemoteFinished(twin: SimulatedConnection?) throws(InvariantViolation) {
        guard !isRemoteFinished else {
            throw InvariantViolation("the peer's stream has ended twice")
        }
        isRemoteFinished = true
        guard let twin, twin.hasFinishedWriting,
            connection.receiveRing.endPosition == twin.writer.plan.total
        else {
            throw InvariantViolation("the peer's stream has ended at "
                + "\(connection.receiveRing.endPosition) of "
                + "\(twin?.writer.plan.total ?? 0) bytes")
        }
    }

    /// Checks that this end was allowed to come.
    func checkClose(
        _ reason: CloseReason, twin: SimulatedConnection?, now: Instant, granularity: Interval
    ) throws(InvariantViolation) {
        switch reason {
        case .local:
            guard !isCloseRequested else { return }
            throw InvariantViolation("closed as if by its own side, which had not asked for it")
        case .idleTimeout:
            guard let idleTimeout = shortestIdleTimeout else {
                throw InvariantViolation("idle timeout where none is configured")
            }
            let silence = now - lastHeard
            guard silence + granularity < idleTimeout else { return }
            throw InvariantViolation("idle timeout after \(silence.inSeconds) s of silence, not "
                + "\(idleTimeout.inSeconds) s")
        case .handshakeTimeout:
            try checkHandshakeTimeout(now: now, granularity: granularity)
        case .finished:
            guard isRemoteFinished, hasFinishedWriting,
                connection.sendRing.startPosition == writer.plan.total
            else { throw InvariantViolation("finished with something left to do") }
        case .reset:
            let hasPeerEnded = twin?.closeReason == .local || twin?.closeReason == .idleTimeout
            guard isExtended, hasPeerEnded else {
                throw InvariantViolation("reset by a peer that did not close")
            }
        case .statelessReset:
            guard isExtended, twin?.isClosed != false else {
                throw InvariantViolation("stateless reset by a peer that has the connection")
            }
        case .connectedToSelf, .sequenceExhausted, .protocolViolation:
            throw InvariantViolation("closed with \(reason.rawValue), which nothing explains")
        }
    }

    private func checkHandshakeTimeout(
        now: Instant, granularity: Interval
    ) throws(InvariantViolation) {
        let waited = now - openedAt
        guard role == .initiator, !wasAnswered, waited + granularity >= handshakeTimeout else {
            throw InvariantViolation("handshake timeout after \(waited.inSeconds) s, "
                + (wasAnswered ? "though message 2 had arrived" : "too early"))
        }
        if hasClockJumped { return }
        guard !hasReachedResponder || answersSent > 0 else {
            throw InvariantViolation(
                "handshake timeout: message 1 arrived undamaged and was not answered")
        }
        guard handshakeMessagesSent >= 3 else {
            throw InvariantViolation(
                "gave a handshake up after \(handshakeMessagesSent) messages")
        }
    }
}
