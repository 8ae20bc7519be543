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
            request.query, allowed: ["offset", "wait", "max_bytes", "ack", "auto_ack"])
        let limits = gateway.limits
        let wait = try query.duration("wait", limit: limits.maximumWait)
        let maximum = try query.integer(
            "max_bytes", in: 1...limits.maximumDataBytes, default: limits.defaultDataBytes)
        let acknowledgesAll = try query.bool("auto_ack")
        let connection = try gateway.connection(request.parameters)
        let offset = try query.cursor("offset")
        if let cursor = try query.cursor("ack") {
            try acknowledge(cursor, field: "ack", on: connection)
        }
        let reader = Reader(connection: connection, field: "offset")
        let position = try reader.position(of: offset)

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
        let isEnd = reader.isEnd(end)
        if acknowledgesAll, !body.isEmpty {
            // Not for a client that is known not to be there.
            if Task.isCancelled { throw gateway.cancellation }
            try acknowledge(connection.cursor(end), field: "offset", on: connection)
        }
        return response(connection, body: body, from: position, isEnd: isEnd)
    }

    /// Acknowledges; going backwards changes nothing.
    func postAcknowledgement(
        _ request: ServerRequest
    ) async throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        let connection = try gateway.connection(request.parameters)
        let body = try await JSONBody.read(request, allowed: ["offset"], limits: gateway.limits)
        guard let cursor = Cursor(try body.requiredString("offset")) else {
            throw .invalidMember(
                name: "offset", detail: "has to be a cursor as the gateway gave it")
        }
        try acknowledge(cursor, field: "offset", on: connection)
        let range = connection.transport.receivedRange
        return .json(
            Acknowledgement(
                acknowledged: connection.cursor(range.lowerBound).description,
                received: connection.cursor(range.upperBound).description))
    }

    private func acknowledge(
        _ cursor: Cursor, field: String, on connection: RegisteredConnection
    ) throws(GatewayError) {
        let reader = Reader(connection: connection, field: field)
        try reader.checkEpoch(cursor)
        do {
            try connection.transport.acknowledge(upTo: cursor.position)
        } catch {
            switch error {
            case .notYetWritten(let end):
                throw .state(.offsetBeyondEnd(field: field, end: connection.cursor(end)))
            case .released, .closed, .timedOut, .cancelled:
                // Freed already: what was asked for is so.
                return
            }
        }
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
        if isEnd { response.headers[.streamClosed] = "true" }
        return response
    }
}

/// Reads at cursors and says what is wrong with them.
private struct Reader {
    let connection: RegisteredConnection
    /// What to blame.
    let field: String

    func checkEpoch(_ cursor: Cursor) throws(GatewayError) {
        guard cursor.epoch == connection.epoch else {
            let start = connection.transport.receivedRange.lowerBound
            throw .state(.cursorExpired(field: field, earliest: connection.cursor(start)))
        }
    }

    /// The position of a cursor within what is kept, by default at its start.
    func position(of cursor: Cursor?) throws(GatewayError) -> UInt64 {
        let range = connection.transport.receivedRange
        guard let cursor else { return range.lowerBound }
        try checkEpoch(cursor)
        guard cursor.position >= range.lowerBound else { throw trimmed(range.lowerBound) }
        guard cursor.position <= range.upperBound else { throw beyond(range.upperBound) }
        return cursor.position
    }

    /// `nil` when there is nothing until the deadline, or the connection is closed; no bytes at the
    /// end of a stream.
    func read(
        at position: UInt64, maximum: Int, deadline: ContinuousClock.Instant
    ) async throws(GatewayError) -> [UInt8]? {
        do {
            return try await connection.transport.peek(
                at: position, maxBytes: maximum, deadline: deadline)
        } catch {
            switch error {
            case .timedOut, .closed, .cancelled: return nil
            // Another client acknowledged in the meantime.
            case .released(let earliest): throw trimmed(earliest)
            case .notYetWritten(let end): throw beyond(end)
            }
        }
    }

    /// Whether nothing can come after `position`. Whether the stream is over is asked first: once it
    /// is, no byte is added.
    func isEnd(_ position: UInt64) -> Bool {
        (connection.transport.isRemoteFinished || connection.isClosed)
            && connection.transport.receivedRange.upperBound == position
    }

    private func trimmed(_ earliest: UInt64) -> GatewayError {
        .state(.offsetTrimmed(field: field, earliest: connection.cursor(earliest)))
    }

    private func beyond(_ end: UInt64) -> GatewayError {
        .state(.offsetBeyondEnd(field: field, end: connection.cursor(end)))
    }
}
