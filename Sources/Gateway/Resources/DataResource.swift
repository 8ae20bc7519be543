import HTTPServer
import HTTPTypes
import LRP2P

/// `GET …/data` and `POST …/ack`: what the peer has sent.
///
/// Reading consumes nothing. What lies before the acknowledged cursor is freed, and only that lets
/// the peer send more once the receive buffer is full.
struct DataResource: Sendable {
    let gateway: GatewayContext

    private struct Acknowledgement: Encodable {
        let acknowledged: String
        let received: String
    }

    func get(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(
            request.query, allowed: ["offset", "wait", "max_bytes", "ack", "auto_ack", "reader"])
        let limits = gateway.limits
        let wait = try query.duration("wait", limit: limits.maximumWait)
        let maximum = try query.integer(
            "max_bytes", in: 1...limits.maximumDataBytes, default: limits.defaultDataBytes)
        let acknowledgesAll = try query.bool("auto_ack")
        let offset = try query.cursor("offset"), acknowledged = try query.cursor("ack")
        let name = try query.reader()
        let connection = try gateway.connection(request.parameters)
        let reader = InboxReader(inbox: connection.inbox, name: name)
        if let acknowledged { try reader.acknowledge(acknowledged, field: "ack") }
        let position = try reader.position(of: offset, field: "offset")

        var bytes = try await reader.read(at: position, maximum: maximum, deadline: .now)
        if bytes == nil, wait > .zero {
            let deadline = gateway.deadline(after: wait)
            bytes = try await gateway.waiters.wait { () async throws(GatewayError) in
                try await reader.read(at: position, maximum: maximum, deadline: deadline)
            }
            if bytes == nil, Task.isCancelled { throw gateway.cancellation }
        }
        let body = bytes ?? []
        let end = position + UInt64(body.count)
        // Asked before the acknowledgement, which moves the range that this looks at.
        let isEnd = connection.inbox.isEnd(end)
        if acknowledgesAll, !body.isEmpty {
            // Not for a client that is known not to be there.
            if Task.isCancelled { throw gateway.cancellation }
            try reader.acknowledge(connection.cursor(end), field: "offset")
        }
        return response(connection, body: body, from: position, isEnd: isEnd)
    }

    /// Acknowledges; going backwards changes nothing.
    func postAcknowledgement(
        _ request: ServerRequest
    ) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(request.query, allowed: ["reader"])
        let name = try query.reader()
        let connection = try gateway.connection(request.parameters)
        let body = try await JSONBody.read(request, allowed: ["offset"], limits: gateway.limits)
        guard let cursor = Cursor(try body.requiredString("offset")) else {
            throw .invalidMember(
                name: "offset", detail: "has to be a cursor as the gateway gave it")
        }
        let inbox = connection.inbox
        try InboxReader(inbox: inbox, name: name).acknowledge(cursor, field: "offset")
        return .json(
            Acknowledgement(
                acknowledged: inbox.cursor(inbox.position(of: name)).description,
                received: inbox.cursor(inbox.range.upperBound).description))
    }

    /// Forgets a reader, so that nothing is kept for it.
    func deleteReader(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        let connection = try gateway.connection(request.parameters)
        let name = request.parameters["reader"] ?? ""
        guard ReaderTable.isName(name), connection.inbox.remove(name) else {
            throw .missing(.reader(name))
        }
        return ServerResponse(status: .noContent)
    }

    private func response(
        _ connection: RegisteredConnection, body: [UInt8], from position: UInt64, isEnd: Bool
    ) -> ServerResponse {
        var response = ServerResponse(status: body.isEmpty ? .noContent : .ok, body: body)
        if !body.isEmpty { response.headers[.contentType] = "application/octet-stream" }
        response.headers[.cacheControl] = "no-store"
        response.headers[.offset] = connection.cursor(position).description
        response.headers[.nextOffset] =
            connection.cursor(position + UInt64(body.count)).description
        guard isEnd else { return response }
        response.headers[.streamClosed] = "true"
        // Without it the stream was cut off.
        if connection.inbox.isFinished { response.headers[.streamFinished] = "true" }
        return response
    }
}
