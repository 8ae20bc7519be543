extension Connection {
    /// When `handleTimers` is due. Arms the probe of a closed window on the way.
    func nextDeadline(now: Instant) -> Instant {
        if isClosed { return .distantFuture }
        if let due = handshake?.sendAt, let start = handshake?.startedAt {
            // What is due already waits for the socket, not for the time.
            let expiry = start + shared.configuration.handshakeTimeout
            return due > now ? min(due, expiry) : expiry
        }
        var deadline = min(thirdMessage.repeatAt, idleDeadline)
        deadline = min(deadline, keepAliveDeadline)
        if let due = recoveryDeadline { deadline = min(deadline, due) }
        if let pacedUntil, pacedUntil > now { deadline = min(deadline, pacedUntil) }
        return min(deadline, isExtended ? extendedDeadline(now: now) : baseDeadline(now: now))
    }

    /// Does what is due. Returns a reason when the connection must end.
    func handleTimers(now: Instant) -> CloseReason? {
        if isClosed { return nil }
        if let start = handshake?.startedAt {
            return start + shared.configuration.handshakeTimeout <= now ? .handshakeTimeout : nil
        }
        if idleDeadline <= now { return .idleTimeout }
        handleThirdMessageTimer(now: now)
        if let due = recoveryDeadline, due <= now { handleRecoveryTimer(now: now) }
        if keepAliveDeadline <= now { keepAlivesToSend = 1 }
        return isExtended ? handleExtendedTimers(now: now) : handleBaseTimers(now: now)
    }

    private func handleRecoveryTimer(now: Instant) {
        recovery.handleTimeout(now: now, isPeerWindowClosed: isPeerWindowClosed)
        if isExtended {
            _ = extended.mtu.probeTimeout(count: recovery.probeTimeouts, now: now)
            takeLostPackets(now: now)
        } else {
            takeLostSegments()
        }
        // Without message 3 the peer could make nothing of the probe.
        if !isConfirmed { thirdMessage.isDue = true }
    }

    private var recoveryDeadline: Instant? {
        recovery.deadline(isPeerWindowClosed: isPeerWindowClosed)
    }

    private var isPeerWindowClosed: Bool { !isExtended && peerWindow == 0 }

    private var idleDeadline: Instant {
        let timeout = isExtended ? extended.idleTimeout : shared.configuration.idleTimeout
        guard let timeout else { return .distantFuture }
        // The peer's may be shorter than what probes were laid out for (RFC 9000 §10.1).
        return idleSince + (isExtended ? max(timeout, recovery.rtt.probeTimeout * 3) : timeout)
    }

    /// The keepalives of an interval leave at so many times at most.
    private static let keepAliveSlots: Int64 = 64

    private var keepAliveDeadline: Instant {
        guard keepAlivesToSend == 0, let interval = shared.configuration.keepAliveInterval
        else { return .distantFuture }
        let deadline = lastSentAt + max(interval, RTTEstimator.granularity)
        // Thousands of quiet connections wake the thread together, and not each by itself.
        let slot = max(1, interval.nanoseconds / Self.keepAliveSlots)
        let start = Instant(nanoseconds: deadline.nanoseconds / slot * slot)
        // One side is a little earlier: the other's answer is its sign of life as well.
        return isExtended && role == .initiator ? start + Interval(nanoseconds: -slot) : start
    }
}

// MARK: - The base protocol

extension Connection {
    private func baseDeadline(now: Instant) -> Instant {
        if mustEndForSequence { return now }
        updateWindowProbe(now: now)
        return min(
            thirdMessage.holdsDataUntil ?? .distantFuture, windowProbeAt ?? .distantFuture)
    }

    private func handleBaseTimers(now: Instant) -> CloseReason? {
        if mustEndForSequence { return .sequenceExhausted }
        if let probe = windowProbeAt, probe <= now {
            windowProbeAt = nil
            windowProbes = 1
        }
        return nil
    }

    private var mustEndForSequence: Bool { isNearSequenceEnd && segments.unacknowledged == 0 }

    /// While the peer's window is closed and nothing is in flight, no acknowledgement can tell
    /// that it has opened, should the peer's own word of it be lost: so one segment is sent in
    /// spite of it, from time to time (RFC 9293 §3.8.6.1). From then on it is retransmitted like
    /// any other.
    private func updateWindowProbe(now: Instant) {
        guard unsentBytes > 0, peerWindow == 0, segments.unacknowledged == 0, windowProbes == 0
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

// MARK: - The extended protocol

extension Connection {
    private func extendedDeadline(now: Instant) -> Instant {
        var deadline = min(extended.path.deadline, extended.lingersUntil ?? .distantFuture)
        // What is due already waits for the socket or for the path, not for the time. That the path
        // may take more again is looked at when there is something to send: for its own sake it
        // would keep a silent connection from its idle timeout.
        if let due = extended.received.acknowledgementDueAt, due > now {
            deadline = min(deadline, due)
        }
        if isWaitingForPeer { deadline = min(deadline, waitingPingDeadline) }
        return deadline
    }

    /// Everything the peer allows has arrived, and there is more; or it has not delivered all of it.
    /// Nothing would be said until it opens its window or delivers, so from time to time it is asked
    /// whether it is still there, which also keeps the idle timeout of both sides away (RFC 9000
    /// §10.1.2).
    private var isWaitingForPeer: Bool {
        recovery.packetsInFlight == 0 && !extended.mustSendPing
            && (extended.sendStream.isBlocked(next: segmentedUpTo, end: sendRing.endPosition)
                || extended.sendStream.isAwaitingDelivery)
    }

    private var waitingPingDeadline: Instant { lastSentAt + recovery.maximumProbeTimeout }

    private func handleExtendedTimers(now: Instant) -> CloseReason? {
        if let end = extended.lingersUntil, end <= now { return .finished }
        if isWaitingForPeer, waitingPingDeadline <= now { extended.mustSendPing = true }
        let timeout = recovery.probeTimeout(isPeerWindowClosed: false)
        if let address = extended.path.handleTimeout(probeTimeout: timeout, now: now) {
            remoteAddress = address
        }
        return nil
    }

    /// When both streams have ended: for some time the peer may not know that we know, and repeats
    /// its end until it does. Each repetition shows that it did not hear our last word of it.
    func lingerIfComplete(now: Instant) {
        guard isComplete else { return }
        // The peer may have measured no round trip yet, and waits longer than we would.
        let timeout = max(
            recovery.probeTimeout(isPeerWindowClosed: false), RTTEstimator.initialRTT)
        extended.lingersUntil = now + timeout * 3
    }
}
