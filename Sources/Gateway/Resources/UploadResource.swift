import HTTPServer
import HTTPTypes
import LRP2P

/// `POST`, `PUT` and `HEAD …/data`: what the peer is to get.
///
/// The body goes into the send buffer as it arrives. While that is full the body is not read, and
/// TCP slows the client down: what an upload costs is the send buffer, whatever its length.
struct UploadResource: Sendable {
    let gateway: GatewayContext

    /// When an upload is answered.
    private enum Until: String, CaseIterable {
        /// All of it is in the send buffer.
        case queued
        /// All of it has left for the peer at least once.
        case sent
        /// The peer has acknowledged all of it.
        case acknowledged
    }

    func post(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(request.query, allowed: ["until", "wait"])
        let until = try query.choice("until", of: Until.self) ?? .queued
        let wait = try query.duration(
            "wait", limit: gateway.limits.maximumWait, default: gateway.limits.maximumWait)
        if until == .queued, query.string("wait") != nil {
            throw .invalidParameter(name: "wait", detail: "needs until=sent or until=acknowledged")
        }
        let offset = try sendOffset(request)
        let connection = try gateway.connection(request.parameters)
        let transport = try connection.requireTransport()
        do throws(GatewayError) {
            let end = try await connection.upload(takesOver: offset != nil) {
                () async throws(GatewayError) in
                let accepted = transport.sendRange.upperBound
                // Bytes that were accepted before are not sent again.
                let begin = offset ?? accepted
                guard begin <= accepted else { throw .state(.sendOffsetGap(expected: accepted)) }
                try await send(
                    request.body, skipping: accepted - begin, on: connection, transport)
                return transport.sendRange.upperBound
            }
            try await self.wait(until, end, on: connection, transport, atMost: wait)
            let acknowledged = min(end, transport.sendRange.lowerBound)
            var response = ServerResponse.json(
                numbers: ["accepted_offset": end, "acknowledged_offset": acknowledged])
            response.headers[.sendOffset] = String(end)
            return response
        } catch {
            // Some of the body may have been taken: the client learns where to go on.
            throw .upload(error, send: transport.sendRange)
        }
    }

    /// Where the next upload has to go on.
    func head(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        let connection = try gateway.connection(request.parameters)
        let offset = String(try connection.requireTransport().sendRange.upperBound)
        return ServerResponse(
            status: .ok, headers: [.sendOffset: offset, .cacheControl: "no-store"])
    }

    private func sendOffset(_ request: ServerRequest) throws(GatewayError) -> UInt64? {
        let values = request.headers[values: .sendOffset]
        guard let text = values.first else { return nil }
        guard values.count == 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let offset = UInt64(text)
        else {
            throw .invalidHeader(name: "Send-Offset", detail: "has to be one whole number")
        }
        return offset
    }

    private func send(
        _ body: RequestBody, skipping skip: UInt64, on connection: RegisteredConnection,
        _ transport: PeerConnection
    ) async throws(GatewayError) {
        var skip = skip
        while let piece = try await nextPiece(of: body) {
            let dropped = Int(min(skip, UInt64(piece.count)))
            skip -= UInt64(dropped)
            try await write(piece, from: dropped, on: connection, transport)
        }
    }

    private func nextPiece(of body: RequestBody) async throws(GatewayError) -> [UInt8]? {
        do {
            return try await WaitMeter.measure { () async throws(RequestBodyError) in
                try await body.next()
            }
        } catch {
            throw GatewayError(error)
        }
    }

    private func write(
        _ piece: [UInt8], from start: Int, on connection: RegisteredConnection,
        _ transport: PeerConnection
    ) async throws(GatewayError) {
        var position = start
        while position < piece.count {
            do throws(WriteError) {
                position += try piece.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                    return Result { () throws(WriteError) in try transport.writeSome(rest) }
                }.get()
                guard position < piece.count else { return }
                try await WaitMeter.measure { () async throws(WriteError) in
                    try await transport.waitWritable()
                }
            } catch {
                throw self.error(error, on: connection, transport)
            }
        }
    }

    private func wait(
        _ until: Until, _ end: UInt64, on connection: RegisteredConnection,
        _ transport: PeerConnection, atMost wait: Duration
    ) async throws(GatewayError) {
        guard until != .queued, transport.sendRange.lowerBound < end else { return }
        try await gateway.waiters.wait { () async throws(GatewayError) in
            let deadline = ContinuousClock.now + wait
            do throws(WriteError) {
                if until == .sent {
                    try await transport.waitSent(upTo: end, deadline: deadline)
                } else {
                    try await transport.waitAcknowledged(upTo: end, deadline: deadline)
                }
            } catch {
                throw self.error(error, on: connection, transport)
            }
        }
    }

    private func error(
        _ error: WriteError, on connection: RegisteredConnection, _ transport: PeerConnection
    ) -> GatewayError {
        switch error {
        case .closed, .finished: connection.closedError
        case .cancelled: gateway.cancellation
        case .timedOut: .state(.acknowledgementTimeout(send: transport.sendRange))
        }
    }
}
