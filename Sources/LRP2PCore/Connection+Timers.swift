extension Connection {
    /// When `handleTimers` is due. Arms the probe of a closed window on the way.
    func nextDeadline(now: Instant) -> Instant {
        if isClosed { return .distantFuture }
        if let due = handshake?.sendAt, let start = handshake?.startedAt {
            // What is due already waits for the socket, not for the time.
            let expiry = start + shared.configuration.handshakeTimeout
            return due > now ? min(due, expiry) : expiry
        }
        if mustEndForSequence { return now }
        updateWindowProbe(now: now)
        var deadline = min(thirdMessage.repeatAt, idleDeadline)
        deadline = min(deadline, keepAliveDeadline)
        if let hold = thirdMessage.holdsDataUntil { deadline = min(deadline, hold) }
        if let due = recoveryDeadline { deadline = min(deadline, due) }
        if let probe = windowProbeAt { deadline = min(deadline, probe) }
        return deadline
    }

    /// Does what is due. Returns a reason when the connection must end.
    func handleTimers(now: Instant) -> CloseReason? {
        if isClosed { return nil }
        if let start = handshake?.startedAt {
            return start + shared.configuration.handshakeTimeout <= now ? .handshakeTimeout : nil
        }
        if idleDeadline <= now { return .idleTimeout }
        if mustEndForSequence { return .sequenceExhausted }
        handleThirdMessageTimer(now: now)
        if let due = recoveryDeadline, due <= now {
            recovery.handleTimeout(now: now, isPeerWindowClosed: peerWindow == 0)
            // Without message 3 the peer could make nothing of the probe.
            if role == .initiator, !thirdMessage.datagram.isEmpty { thirdMessage.isDue = true }
        }
        if let probe = windowProbeAt, probe <= now {
            windowProbeAt = nil
            windowProbes = 1
        }
        if keepAliveDeadline <= now { keepAlivesToSend = 1 }
        return nil
    }

    private var recoveryDeadline: Instant? {
        recovery.deadline(isPeerWindowClosed: peerWindow == 0)
    }

    private var mustEndForSequence: Bool { isNearSequenceEnd && recovery.unacknowledged == 0 }

    private var idleDeadline: Instant {
        guard let timeout = shared.configuration.idleTimeout else { return .distantFuture }
        return idleSince + timeout
    }

    private var keepAliveDeadline: Instant {
        guard keepAlivesToSend == 0, let interval = shared.configuration.keepAliveInterval
        else { return .distantFuture }
        return lastSentAt + max(interval, RTTEstimator.granularity)
    }

    /// While the peer's window is closed and nothing is in flight, no acknowledgement can tell
    /// that it has opened, should the peer's own word of it be lost: so one segment is sent in
    /// spite of it, from time to time (RFC 9293 §3.8.6.1). From then on it is retransmitted like
    /// any other.
    private func updateWindowProbe(now: Instant) {
        guard unsentBytes > 0, peerWindow == 0, recovery.unacknowledged == 0, windowProbes == 0
        else {
            windowProbeAt = nil
            if peerWindow > 0 { windowProbes = 0 }
            return
        }
        if windowProbeAt == nil {
            windowProbeAt = now + recovery.probeTimeout(isPeerWindowClosed: true)
        }
    }
}
