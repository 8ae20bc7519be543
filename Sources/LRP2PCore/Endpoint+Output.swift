// What goes out of an endpoint, and when it wants to be called again.
extension Endpoint {
    /// Writes the next datagram to send into `buffer`, which must have room for
    /// `maximumDatagramSize` bytes. `nil` when there is nothing to send before the next input.
    public func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Transmit? {
        precondition(buffer.count >= Self.maximumDatagramSize)
        if !replies.isEmpty, let reply = replies.removeFirst() {
            buffer.copyBytes(from: reply.datagram)
            shared.statistics.packetsSent += 1
            return Transmit(length: reply.datagram.count, destination: reply.destination)
        }
        while !ready.isEmpty, let connection = ready[ready.start] {
            if sentInTurn < Self.sendQuantum,
                let transmit = connection.pollTransmit(into: buffer, now: now)
            {
                sentInTurn += transmit.length + transmit.elidedBytes
                noteDeadline(of: connection)
                shared.statistics.packetsSent += 1
                return transmit
            }
            _ = ready.removeFirst()
            if sentInTurn >= Self.sendQuantum {
                ready.append(connection)
            } else {
                connection.isReadyToSend = false
            }
            sentInTurn = 0
        }
        return nil
    }

    /// The next thing the application should know.
    public func pollEvent() -> EndpointEvent? {
        guard !events.isEmpty, let event = events.removeFirst() else { return nil }
        switch event {
        case .readable(let connection): connection.hasReadableEvent = false
        case .writable(let connection): connection.hasWritableEvent = false
        case .connected, .accepted, .remoteFinished, .datagram, .closed: break
        }
        return event
    }

    // MARK: Time

    /// Notes that a connection may have something to send and another deadline.
    func touch(_ connection: Connection) {
        guard !connection.isClosed else { return }
        if !connection.isReadyToSend {
            connection.isReadyToSend = true
            ready.append(connection)
        }
        noteDeadline(of: connection)
    }

    /// Notes that a connection may have another deadline.
    private func noteDeadline(of connection: Connection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        touched.append(connection)
        if !connection.isChanged {
            connection.isChanged = true
            changed.append(connection)
            // An owner that has no use for figures never takes them.
            if changed.count > 2 * connections.count + Self.toleratedChanged {
                changed.removeAll { $0.isClosed }
            }
        }
    }

    /// Calls `body` with every open connection whose figures may have changed since the last call.
    public func takeChanged(_ body: (Connection) -> Void) {
        for connection in changed {
            connection.isChanged = false
            if !connection.isClosed { body(connection) }
        }
        changed.removeAll(keepingCapacity: true)
    }

    /// When `handleDeadline` must be called at the latest; it may find nothing to do.
    ///
    /// - Parameter now: not later than the time of the next input.
    public func nextDeadline(now: Instant) -> Instant? {
        scheduleTouched(now: now)
        guard let handshake = handshakes.deadline else { return deadlines.earliest }
        return min(handshake, deadlines.earliest ?? handshake)
    }

    private func scheduleTouched(now: Instant) {
        for connection in touched {
            connection.isTouched = false
            guard !connection.isClosed else { continue }
            deadlines.schedule(connection, at: connection.nextDeadline(now: now))
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// Does what the time requires.
    public func handleDeadline(now: Instant) {
        scheduleTouched(now: now)
        removeExpiredHandshakes(now: now)
        while let connection = deadlines.popDue(now: now) {
            if let reason = connection.handleTimers(now: now) {
                close(connection, reason: reason)
            } else {
                touch(connection)
            }
        }
    }
}
