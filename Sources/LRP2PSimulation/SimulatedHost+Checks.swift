import LRP2PCore

/// What a host checks of its own datagrams, as they come and go.
extension SimulatedHost {
    func noteArrival(_ datagram: VirtualDatagram, wireID: UInt64) {
        if let side = side(ofWireID: wireID) {
            side.noteArrival(datagram, now: now)
        } else if let initiator = history.initiators[wireID] {
            let isMessage1 = datagram.label == WireKind.handshake(1).label
            initiator.isOwedAnswer = isMessage1 && !datagram.isDamaged
            if initiator.isOwedAnswer { initiator.hasReachedResponder = true }
            if datagram.label == WireKind.handshake(3).label, !datagram.isDamaged {
                initiator.isMessage3Through = true
            }
        }
    }

    func noteSending(
        _ kind: WireKind, _ bytes: UnsafeRawBufferPointer, wireID: UInt64
    ) throws(InvariantViolation) {
        let side = side(ofWireID: wireID)
        switch kind {
        case .data:
            guard let side else {
                throw InvariantViolation("sent data of a connection that it does not have")
            }
            try side.noteSendingData(bytes.count)
        case .handshake(2):
            // A late message 3 passes for the first message of a connection that is no more.
            guard let initiator = history.initiators[wireID] else { return }
            if initiator.hasReachedResponder { initiator.answersSent += 1 }
            if initiator.isOwedAnswer { initiator.answers.insert(Array(bytes)) }
        case .retry, .statelessReset: break
        case .handshake:
            side?.handshakeMessagesSent += 1
        }
    }

    /// Once its last handshake has had its time, a host without connections keeps nothing.
    func checkNothingIsLeft() throws(InvariantViolation) {
        endpoint.handleDeadline(now: now + configuration.handshakeTimeout + .seconds(1))
        let handshakes = endpoint.statistics.handshakesInProgress
        guard endpoint.connectionCount == 0, handshakes == 0 else {
            throw InvariantViolation("\(endpoint.connectionCount) connections and \(handshakes) "
                + "handshakes left after all were closed")
        }
    }

    /// New data leaves only within the peer's window, but for one segment that probes a closed
    /// one.
    func checkWindow(of side: SimulatedConnection) throws(InvariantViolation) {
        if side.isExtended { return try checkStreamLimit(of: side) }
        let statistics = side.connection.statistics
        defer { side.sentBytes = statistics.sentBytes }
        guard statistics.sentBytes > side.sentBytes,
              statistics.packetsInFlight > statistics.peerWindowPackets + 1
        else { return }
        throw InvariantViolation("sent new data with \(statistics.packetsInFlight) segments in "
            + "flight and a window of \(statistics.peerWindowPackets)")
    }

    /// The receiver's buffer is what a sender may count on, to the byte.
    private func checkStreamLimit(
        of side: SimulatedConnection
    ) throws(InvariantViolation) {
        guard let twin = history.twin(of: side), !twin.isClosed else { return }
        let sent = side.connection.statistics.sentBytes
        let ring = twin.connection.receiveRing
        guard sent <= ring.startPosition + UInt64(ring.capacity) else {
            throw InvariantViolation("sent \(sent) bytes into a buffer that ends at "
                + "\(ring.startPosition + UInt64(ring.capacity))")
        }
    }
}
