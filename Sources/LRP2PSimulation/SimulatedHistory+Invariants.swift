import LRP2PCore

extension SimulatedHistory {
    func checkStep() throws(InvariantViolation) {
        guard isMeasurement || steps < Self.maximumSteps else {
            throw InvariantViolation("not finished after \(steps) steps")
        }
        var progress: UInt64 = 0
        for host in hosts {
            for side in host.connections {
                guard !side.isLost else { continue }
                try checkStream(of: side)
                try checkApplications(of: side)
                try checkStatistics(of: side)
                try checkSilence(of: side)
                progress &+= side.connection.sendRing.startPosition + side.writer.written
                    + side.connection.receiveRing.endPosition + side.reader.read
                    + (side.isClosed ? 1 : 0) + (side.isEstablished ? 1 : 0)
            }
        }
        if progress != self.progress {
            self.progress = progress
            lastProgress = network.now
        } else if network.now - lastProgress > Self.maximumStandstill {
            throw InvariantViolation("hung: no progress for \(Self.maximumStandstill.inSeconds) s")
        }
        if !isMeasurement { try checkRate() }
    }

    private func twin(of side: SimulatedConnection) -> SimulatedConnection? {
        context.twin(of: side)
    }

    private func checkStream(of side: SimulatedConnection) throws(InvariantViolation) {
        let connection = side.connection
        for (name, ring) in [("send", connection.sendRing), ("receive", connection.receiveRing)]
        where ring.endPosition < ring.startPosition || ring.count > ring.capacity {
            throw InvariantViolation("\(ring.count) bytes in a \(name) buffer of \(ring.capacity)")
        }
        let twin = twin(of: side)
        let written = twin?.writer.written ?? 0
        let received = connection.receiveRing.endPosition
        guard received <= written else {
            throw InvariantViolation("received \(received) bytes of \(written) written")
        }
        let acknowledged = twin?.connection.sendRing.startPosition ?? 0
        guard acknowledged <= received else {
            throw InvariantViolation(
                "\(acknowledged) bytes count as acknowledged, \(received) were received in order")
        }
    }

    /// The core wakes an application for every byte and for all room, or it would wait for ever.
    private func checkApplications(of side: SimulatedConnection) throws(InvariantViolation) {
        let connection = side.connection
        let isReaderWaiting = side.reader.nextWake == nil
        guard !(isReaderWaiting && connection.receiveRing.endPosition > side.reader.read) else {
            throw InvariantViolation("bytes in the receive buffer without a .readable event")
        }
        let isWriterWaiting = side.writer.isBlocked && !side.isClosed
        guard !(isWriterWaiting && connection.sendRing.freeBytes > 0) else {
            throw InvariantViolation("room in the send buffer without a .writable event")
        }
    }

    private func checkStatistics(of side: SimulatedConnection) throws(InvariantViolation) {
        let statistics = side.connection.statistics
        guard statistics.packetsInFlight >= 0,
            side.isExtended || statistics.packetsInFlight < 65_535
        else {
            throw InvariantViolation("\(statistics.packetsInFlight) segments outstanding "
                + "(PROTOCOL.md §2, hazard 5)")
        }
        guard statistics.acknowledgedBytes == side.connection.sendRing.startPosition,
              statistics.receivedBytes == side.connection.receiveRing.endPosition,
              statistics.sendQueueBytes == side.connection.sendRing.count
        else { throw InvariantViolation("statistics differ from the buffers: \(statistics)") }
        // A datagram counts once, however often the network delivers it (RFC 6479).
        guard let sent = twin(of: side)?.connection.statistics.packetsSent else { return }
        guard statistics.packetsReceived <= sent else {
            throw InvariantViolation(
                "took \(statistics.packetsReceived) datagrams of \(sent) sent")
        }
    }

    private func checkSilence(of side: SimulatedConnection) throws(InvariantViolation) {
        guard let idleTimeout = side.idleTimeout, side.isEstablished, !side.isClosed
        else { return }
        let silence = now(of: side) - side.lastArrival
        // Twice: data sent into the silence restarts the timer once (RFC 9000 §10.1).
        guard silence <= idleTimeout * 2 + scenario.wakeGranularity + .seconds(1) else {
            throw InvariantViolation(
                "open after \(silence.inSeconds) s of silence, beyond its idle timeout")
        }
    }

    private func now(of side: SimulatedConnection) -> Instant {
        let plan = scenario.connections[side.plan]
        return hosts[side.role == .initiator ? plan.initiator : plan.responder].now
    }

    private func checkRate() throws(InvariantViolation) {
        let sent = hosts.reduce(0) { $0 + $1.datagramsSent }
        guard sent - datagramsAtSecondStart <= Self.maximumDatagramsPerSecond else {
            throw InvariantViolation(
                "livelock: \(sent - datagramsAtSecondStart) datagrams within a second")
        }
        if network.now - secondStart >= .seconds(1) {
            secondStart = network.now
            datagramsAtSecondStart = sent
        }
    }

    /// Checks that the way it ended is explained by what happened.
    func checkEnd() throws(InvariantViolation) {
        for host in hosts where !host.isGone { try host.checkNothingIsLeft() }
        for plan in scenario.connections.indices {
            let (initiator, responder) = sides(of: plan)
            guard let initiator else { throw InvariantViolation("connection \(plan) never began") }
            if let delivered = deliveredAt[plan] {
                try checkHeld(initiator, from: delivered)
                continue
            }
            if scenario.connections[plan].closesAt != nil { continue }
            if initiator.isHandshakeBadLuck(isAccepted: responder != nil) { continue }
            guard !scenario.mustDeliver(plan: plan) else {
                throw InvariantViolation("connection \(plan) ended undelivered: "
                    + "\(initiator.closeReason?.rawValue ?? "open") and "
                    + "\(responder?.closeReason?.rawValue ?? "never accepted"), "
                    + "and the network does not explain it")
            }
        }
        try checkEffort()
    }

    private func checkHeld(
        _ side: SimulatedConnection, from delivered: Instant
    ) throws(InvariantViolation) {
        guard case .hold(let time) = scenario.connections[side.plan].ending, scenario.mustDeliver
        else { return }
        guard side.closeReason == .local, network.now >= delivered + time else {
            throw InvariantViolation("an idle connection with keepalives ended: "
                + (side.closeReason?.rawValue ?? "open"))
        }
    }

    /// Datagrams in all must be in proportion to the data, the loss and the time.
    private func checkEffort() throws(InvariantViolation) {
        var allowance = 0.0
        for host in hosts {
            for side in host.connections {
                let segments = Double(side.writer.written) / 1000 + Double(side.writer.pieces)
                allowance += Self.handshakeDatagrams + Self.datagramsPerSegment * segments
                    + Double(side.reader.pieces) + (side.isExtended ? Self.searchDatagrams : 0)
                allowance += network.elapsed.inSeconds * Self.idleDatagramsPerSecond
            }
        }
        let sent = hosts.reduce(0) { $0 + $1.datagramsSent }
        guard Double(sent) <= allowance else {
            throw InvariantViolation(
                "\(sent) datagrams for work that explains \(Int(allowance))")
        }
    }
}
