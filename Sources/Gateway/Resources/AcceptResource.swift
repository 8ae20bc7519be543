import HTTPServer
import HTTPTypes

/// `GET /v1/accept`: the next inbound connection.
///
/// With `after`, a cursor, it is the first one that came after it: asking again gives the same
/// answer, and every client can follow by itself. Without `after` each connection is handed out
/// once per process, which is what a loop of one `curl` wants, and given the `name` asked for: by it
/// the connection is found again, should the answer or the client get lost.
struct AcceptResource: Sendable {
    let gateway: GatewayContext

    func get(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(request.query, allowed: ["wait", "after", "peer", "name"])
        let wait = try query.duration("wait", limit: gateway.limits.maximumWait)
        let peer = try query.peerID()?.description
        let name = try query.connectionName(limit: gateway.limits.maximumNameBytes)
        if name != nil, query.string("after") != nil {
            // Which does not make the connection its reader's.
            throw .invalidParameter(name: "name", detail: "cannot be given with after")
        }
        let registry = gateway.registry
        let choice = try choice(after: query.cursor("after"), isHead: request.method == .head)
        var arrival = try registry.nextArrival(choice, from: peer)
        if arrival.connection == nil, wait > .zero, request.method != .head {
            let deadline = gateway.deadline(after: wait)
            arrival = try await gateway.waiters.wait { () async throws(GatewayError) in
                try await registry.waitForArrival(choice, from: peer, deadline: deadline)
            }
            if arrival.connection == nil, Task.isCancelled { throw gateway.cancellation }
        }
        let next = Cursor(epoch: registry.arrivalEpoch, position: arrival.next).description
        guard let connection = arrival.connection else {
            return ServerResponse(status: .noContent, headers: [.nextAfter: next])
        }
        if let name, request.method != .head { registry.rename(connection, to: name) }
        var document = ConnectionDocument(connection, localAddress: gateway.socket.localAddress)
        document.nextAfter = next
        var response = ServerResponse.json(document)
        response.headers[.nextAfter] = next
        response.headers[.contentLocation] = "\(ConnectionsResource.path)/\(connection.id)"
        return response
    }

    private func choice(
        after: Cursor?, isHead: Bool
    ) throws(GatewayError) -> ConnectionRegistry.ArrivalChoice {
        guard let after else { return isHead ? .peek : .take }
        guard after.epoch == gateway.registry.arrivalEpoch else {
            let earliest = Cursor(epoch: gateway.registry.arrivalEpoch, position: 0)
            throw .state(.cursorExpired(field: "after", earliest: earliest))
        }
        return .from(after.position)
    }
}
