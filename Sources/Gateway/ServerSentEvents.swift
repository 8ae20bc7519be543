import HTTPServer
import HTTPTypes

/// Server-Sent Events, as the HTML standard defines them (§9.2).
enum ServerSentEvents {
    static let mediaType = "text/event-stream"

    /// How long a client is to wait before it comes back after its connection broke.
    static let retryMilliseconds = 2000

    /// A comment: keeps proxies and the client from taking silence for the end.
    static let keepAlive = [UInt8](": keepalive\n\n".utf8)

    /// - Parameter data: one line.
    static func event(_ type: String, id: Cursor, data: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 96)
        bytes += "event: \(type)\nid: \(id)\ndata: ".utf8
        bytes += data
        bytes += "\n\n".utf8
        return bytes
    }

    static func response(_ stream: @escaping ServerResponse.BodyStream) -> ServerResponse {
        .endless(mediaType, startingWith: [UInt8]("retry: \(retryMilliseconds)\n\n".utf8), stream)
    }

    /// Where a client goes on that had a stream before.
    static func lastEventID(
        _ headers: HTTPFields, notWith parameter: String, _ other: Cursor?
    ) throws(GatewayError) -> Cursor? {
        let values = headers[values: .lastEventID]
        guard let text = values.first else { return nil }
        guard values.count == 1, let cursor = Cursor(text) else {
            throw .invalidHeader(
                name: HTTPField.Name.lastEventID.rawName,
                detail: "has to be one cursor as the gateway gave it")
        }
        guard other == nil else {
            throw .invalidHeader(
                name: HTTPField.Name.lastEventID.rawName, detail: "not together with \(parameter)")
        }
        return cursor
    }
}

extension ServerResponse {
    /// An answer that is made while it is sent, and goes on for as long as there is something.
    static func endless(
        _ type: String, startingWith body: [UInt8] = [],
        _ stream: @escaping ServerResponse.BodyStream
    ) -> ServerResponse {
        ServerResponse(
            status: .ok,
            headers: [
                .contentType: type, .cacheControl: "no-store",
                // nginx would collect it otherwise.
                .xAccelBuffering: "no",
            ],
            body: body, stream: stream)
    }
}
