import HTTPServer
import HTTPTypes
import LRP2P

/// `/v1/connections` and `/v1/connections/{id}`.
struct ConnectionsResource: Sendable {
    let gateway: GatewayContext

    static let path = "/v1/connections"

    private struct Page: Encodable {
        let connections: [ConnectionDocument]
        /// Absent on the last page.
        let nextAfter: String?
    }

    func list(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(
            request.query, allowed: ["limit", "after", "state", "direction", "peer", "name"])
        let limit = try query.integer(
            "limit", in: 1...gateway.limits.maximumPageSize,
            default: gateway.limits.defaultPageSize)
        let state = try query.choice("state", of: ConnectionState.self)
        let direction = try query.choice("direction", of: ConnectionDirection.self)
        let peer = try query.peerID()?.description
        let name = try query.connectionName(limit: gateway.limits.maximumNameBytes)
        let epoch = gateway.registry.pageEpoch
        var start: UInt64 = 0
        if let after = try query.cursor("after") {
            guard after.epoch == epoch else {
                let earliest = Cursor(epoch: epoch, position: 0)
                throw .state(.cursorExpired(field: "after", earliest: earliest))
            }
            start = after.position
        }
        let page = gateway.registry.page(from: start, limit: limit) { connection in
            (state == nil || state == (connection.isClosed ? .closed : .open))
                && (direction == nil || direction == connection.direction)
                && (peer == nil || peer == connection.peer)
                && (name == nil || name == connection.name)
        }
        return .json(
            Page(
                connections: page.connections.map(document),
                nextAfter: page.next.map { Cursor(epoch: epoch, position: $0).description }))
    }

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        return .json(document(try gateway.connection(request.parameters)))
    }

    /// Ends our stream, and closes an open connection once the peer has acknowledged what was accepted
    /// for it and that this was all, or after `drain`, or at once with `abort`; removes a closed one.
    func delete(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(request.query, allowed: ["drain", "abort"])
        let isAbort = try query.bool("abort")
        let drain = try query.duration(
            "drain", limit: gateway.limits.maximumDrain, default: gateway.limits.defaultDrain)
        if isAbort, query.string("drain") != nil {
            throw .invalidParameter(name: "drain", detail: "cannot be given with abort=true")
        }
        let connection = try gateway.connection(request.parameters)
        guard let transport = connection.transport else {
            gateway.registry.remove(connection)
            return ServerResponse(status: .noContent)
        }
        if let reason = transport.closeReason {
            // It must be counted before it is forgotten.
            gateway.registry.noteClosed(connection, reason)
            gateway.registry.remove(connection)
            return ServerResponse(status: .noContent)
        }
        if isAbort {
            transport.close()
        } else {
            try await close(connection, transport, drain: drain)
        }
        // Its watcher would see to it; whoever asks next must see it.
        if let reason = transport.closeReason {
            gateway.registry.noteClosed(connection, reason)
        }
        return ServerResponse(status: .noContent)
    }

    private func close(
        _ connection: RegisteredConnection, _ transport: PeerConnection, drain: Duration
    ) async throws(GatewayError) {
        guard drain > .zero else { return transport.close() }
        try await gateway.waiters.wait { () async throws(GatewayError) in
            connection.beginDrain()
            let deadline = ContinuousClock.now + drain
            // A task of its own: what was accepted is not to be lost because the client that asked
            // for the end did not wait for it.
            Task {
                transport.finishWriting()
                try? await transport.drain(deadline: deadline)
                transport.close()
            }
            if await transport.waitUntilClosed() == nil { throw gateway.cancellation }
        }
    }

    private func document(_ connection: RegisteredConnection) -> ConnectionDocument {
        ConnectionDocument(connection, localAddress: gateway.socket.localAddress)
    }
}
