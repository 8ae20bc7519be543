// What time, and news of the path, change.
extension LossRecovery {
    /// When `handleTimeout` is due; `nil` while nothing is in flight.
    ///
    /// - Parameter isPeerWindowClosed: a peer that says so is slow, not the network.
    func deadline(isPeerWindowClosed: Bool) -> Instant? {
        if let lossDeadline { return lossDeadline }
        guard packetsInFlight > 0 else { return nil }
        return lastSendingAt + probeTimeout(isPeerWindowClosed: isPeerWindowClosed)
    }

    /// The probe timeout with its backoff.
    func probeTimeout(isPeerWindowClosed: Bool) -> Interval {
        let timeout =
            isPeerWindowClosed
            ? max(rtt.probeTimeout, Self.minimumWindowProbeTimeout) : rtt.probeTimeout
        let limited = min(timeout, maximumProbeTimeout)
        return min(limited * (Int64(1) << min(probeTimeouts, 20)), maximumProbeTimeout)
    }

    /// The timer has expired: finds losses by time, or else gives the oldest packets up, so that
    /// their contents are sent again as probes (RFC 9002 §6.2.4).
    mutating func handleTimeout(now: Instant, isPeerWindowClosed: Bool) {
        guard let deadline = deadline(isPeerWindowClosed: isPeerWindowClosed), deadline <= now
        else { return }
        if lossDeadline != nil {
            news = News()
            detectLosses(now: now)
            return
        }
        lastSendingAt = now
        // The last probes have not left yet: it is our own socket that is blocked.
        guard probes == 0 else { return }
        var found = 0
        for number in packets.start..<packets.end where packets[number].state == .inFlight {
            let packet = queueLost(number, cause: .probeTimeout)
            if packet.contents.contains(.sizeProbe) { continue }
            spurious.didGiveUp(LostPacket(number: number, cause: .probeTimeout, packet: packet))
            found += 1
            if found == Self.packetsPerProbe { break }
        }
        while !packets.isEmpty, packets[packets.start].state == .settled { packets.dropFirst() }
        guard found > 0 else { return }
        probes = found
        probeTimeouts += 1
        if probeTimeouts == Self.persistentCongestionThreshold, !isPeerWindowClosed {
            recoveryStart = packets.end
            spurious.giveUpDoubt()
            controller.onPersistentCongestion()
            pacingRate = controller.pacingRate(rtt: rtt)
        }
    }

    /// Base protocol: the peer's window has opened again, so what it refused is sent at once.
    mutating func didOpenPeerWindow() {
        guard probeTimeouts > 0, packetsInFlight > 0 else { return }
        probeTimeouts = 0
        for number in packets.start..<packets.end where packets[number].state == .inFlight {
            queueLost(number, cause: .probeTimeout)
        }
    }

    /// The peer promises to acknowledge within this time (RFC 9000 §18.2).
    mutating func setMaximumAcknowledgementDelay(_ delay: Interval) {
        rtt.maximumAcknowledgementDelay = delay
    }

    /// The path takes larger datagrams than was known, or only smaller ones.
    mutating func setDatagramSize(_ size: Int) {
        guard size != datagramSize else { return }
        datagramSize = size
        controller.didChangeMaximumDatagramSize(size)
        pacer.didChangeMaximumDatagramSize(size)
    }

    /// The peer has moved to another network: nothing is known of that path (RFC 9000 §9.4).
    mutating func beginPath(datagramSize: Int) {
        let acknowledgementDelay = rtt.maximumAcknowledgementDelay
        self.datagramSize = datagramSize
        controller = CongestionControl(algorithm, maximumDatagramSize: datagramSize)
        rtt = RTTEstimator()
        rtt.maximumAcknowledgementDelay = acknowledgementDelay
        spurious.giveUpDoubt()
        recoveryStart = packets.end
        probeTimeouts = 0
        pacingRate = nil
    }
}
