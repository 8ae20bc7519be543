// What commands and events mean for the connections.
extension NetworkLoop {
    func handle(_ command: Command, now: Instant) {
        switch command {
        case .attend(let peer): attend(to: peer, now: now)
        case .connect(let attempt): connect(attempt, now: now)
        case .abandon(let attempt): abandon(attempt, now: now)
        case .stop: break
        }
    }

    private func attend(to peer: PeerConnection, now: Instant) {
        let attention = peer.takeAttention()
        guard let record = records[peer.id] else { return }
        if attention.contains(.written) { endpoint.didWrite(to: record.connection, now: now) }
        if attention.contains(.message) { sendMessages(of: peer, on: record.connection, now: now) }
        if attention.contains(.finish) { endpoint.finishWriting(record.connection, now: now) }
        if attention.contains(.confirmed) {
            let offset = peer.confirmedUpTo.load(ordering: .acquiring)
            endpoint.confirmDelivery(on: record.connection, upTo: offset, now: now)
        }
        if attention.contains(.close) {
            // What was written last has the chance to leave.
            if !attention.isDisjoint(with: [.written, .message, .finish]) { transmit() }
            endpoint.close(record.connection, code: peer.ownResetCode, now: now)
        } else if attention.contains(.read) {
            endpoint.didRead(from: record.connection, now: now)
        }
    }

    private func connect(_ attempt: ConnectAttempt, now: Instant) {
        guard attempt.abandonment == nil else { return }
        do throws(EndpointConnectError) {
            let connection = try endpoint.connect(
                to: attempt.address, congestionControl: attempt.congestionControl, now: now)
            records[connection.id] = Record(connection: connection, owner: .attempt(attempt))
        } catch {
            switch error {
            case .connectionLimit: attempt.finish(.failure(.connectionLimit))
            case .unusableAddress: attempt.finish(.failure(.unusableAddress(attempt.address)))
            }
        }
    }

    private func abandon(_ attempt: ConnectAttempt, now: Instant) {
        // A search, because giving up is rare and the attempt is not on any other path.
        for record in records.values {
            if case .attempt(let other) = record.owner, other === attempt {
                endpoint.countFailure(attempt.abandonment == .cancelled ? .cancelled : .timeout)
                endpoint.close(record.connection, now: now)
                return
            }
        }
    }

    /// Returns whether there were any.
    func dispatchEvents(now: Instant) -> Bool {
        var hasEvents = false
        while let event = endpoint.pollEvent() {
            hasEvents = true
            switch event {
            case .connected(let connection): connected(connection, now: now)
            case .accepted(let connection): accepted(connection, now: now)
            case .readable(let connection):
                application(of: connection)?.received.advance(
                    to: connection.receiveRing.endPosition)
            case .writable(let connection):
                application(of: connection)?.noteAcknowledged(
                    upTo: connection.sendRing.startPosition,
                    end: connection.isSendStreamComplete)
            case .remoteFinished(let connection):
                application(of: connection)?.remoteFinished()
            case .datagram(let connection): takeMessages(of: connection)
            case .closed(let connection, let reason): closed(connection, reason)
            }
        }
        return hasEvents
    }

    private func sendMessages(
        of peer: PeerConnection, on connection: Connection, now: Instant
    ) {
        for message in peer.outgoing.withLock({ $0.takeAll() }) {
            // One that has become too long for the path is lost, as on the path.
            guard !endpoint.sendMessage(message, to: connection, now: now) else { continue }
            peer.outgoing.withLock { $0.countDrop() }
        }
    }

    private func takeMessages(of connection: Connection) {
        let peer = application(of: connection)
        while let message = connection.takeMessage() { peer?.didReceive(message: message) }
    }

    private func application(of connection: Connection) -> PeerConnection? {
        guard case .application(let peer)? = records[connection.id]?.owner else { return nil }
        return peer
    }

    private func connected(_ connection: Connection, now: Instant) {
        guard case .attempt(let attempt)? = records[connection.id]?.owner else { return }
        let peer = PeerConnection(connection, mailbox: mailbox)
        let found = peer.remotePeerID
        var refusal: ConnectError?
        if let expected = attempt.expected, expected != found {
            refusal = .peerMismatch(expected: expected, found: found)
            endpoint.countFailure(.peerMismatch)
        } else if !admission.allows(found) {
            refusal = .peerNotAllowed(found)
            endpoint.countFailure(.peerNotAllowed)
        }
        if let refusal {
            attempt.finish(.failure(refusal))
            endpoint.close(connection, now: now)
            return
        }
        records[connection.id]?.owner = .application(peer)
        if !attempt.finish(.success(peer)) {
            endpoint.close(connection, now: now)
        }
    }

    private func accepted(_ connection: Connection, now: Instant) {
        let peer = PeerConnection(connection, mailbox: mailbox)
        records[connection.id] = Record(connection: connection, owner: .application(peer))
        if !inbound.offer(peer) {
            endpoint.close(connection, now: now)
        }
    }

    private func closed(_ connection: Connection, _ reason: CloseReason) {
        guard let record = records.removeValue(forKey: connection.id) else { return }
        switch record.owner {
        case .attempt(let attempt): attempt.finish(.failure(ConnectError(reason)))
        case .application(let peer):
            peer.publish(connection)
            peer.finish(reason)
        }
    }
}

extension ConnectError {
    /// Why an attempt ended that had not become a connection.
    fileprivate init(_ reason: CloseReason) {
        self = switch reason {
        // All but the first need an established connection, which is no attempt any more.
        case .handshakeTimeout, .idleTimeout, .sequenceExhausted, .finished, .reset,
            .statelessReset, .protocolViolation: .timedOut
        case .connectedToSelf: .connectedToSelf
        case .local: .socketClosed
        }
    }
}
