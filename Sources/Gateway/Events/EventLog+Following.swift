import LRP2P

/// One connection's events, in their order. They are made by tasks that sleep while packets come:
/// the network thread does not know of them.
extension EventLog {
    /// Tells everything but the end, and returns when that has come.
    func follow(_ connection: RegisteredConnection, _ transport: PeerConnection) async {
        let address = transport.remoteAddress
        var connected = ConnectionEvent(.connected, of: connection)
        connected.remoteAddress = address.description
        append(connected)
        await withTaskGroup { group in
            if transport.isExtended {
                group.addTask { await self.tellMoves(of: connection, transport, from: address) }
            }
            await tellStream(of: connection)
        }
    }

    func tellEnd(of connection: RegisteredConnection, _ transport: PeerConnection) {
        var closed = event(.closed, of: connection)
        closed.closeReason = connection.closeReason
        closed.resetCode = transport.resetCode?.rawValue
        append(closed)
    }

    private func tellMoves(
        of connection: RegisteredConnection, _ transport: PeerConnection,
        from address: SocketAddress
    ) async {
        var address = address
        while let next = await transport.waitUntilMoved(from: address) {
            address = next
            var moved = ConnectionEvent(.addressChanged, of: connection)
            moved.remoteAddress = next.description
            append(moved)
        }
    }

    private func tellStream(of connection: RegisteredConnection) async {
        let inbox = connection.inbox
        let told = await withTaskGroup(of: UInt64.self, returning: UInt64.self) { group in
            group.addTask { await self.tellArrivals(of: connection) }
            await inbox.waitUntilOver()
            group.cancelAll()
            return await group.next() ?? 0
        }
        let range = inbox.range
        if range.upperBound > max(told, range.lowerBound) { append(event(.data, of: connection)) }
        if inbox.isFinished { append(event(.finished, of: connection)) }
    }

    /// Tells of bytes when all that were told of before have been acknowledged by some reader. One
    /// that reads what it is told of, acknowledges it and waits for the next event misses nothing,
    /// whatever comes in between. Returns the end of what was told.
    private func tellArrivals(of connection: RegisteredConnection) async -> UInt64 {
        let inbox = connection.inbox
        var told: UInt64 = 0
        while await inbox.waitForUnread(after: told) {
            let data = event(.data, of: connection)
            told = data.received?.position ?? told
            append(data)
            // A reader that is quick must not fill the log with one connection.
            guard (try? await Task.sleep(for: dataInterval)) != nil else { break }
            await inbox.waitUntilAcknowledged(upTo: told)
        }
        return told
    }

    private func event(
        _ kind: ConnectionEvent.Kind, of connection: RegisteredConnection
    ) -> ConnectionEvent {
        var event = ConnectionEvent(kind, of: connection)
        event.received = connection.cursor(connection.inbox.range.upperBound)
        return event
    }
}
