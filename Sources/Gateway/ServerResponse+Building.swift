import FoundationEssentials
import HTTPServer
import HTTPTypes

extension ServerResponse {
    /// A JSON document, ended by a newline so that it looks right in a terminal.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> ServerResponse {
        let headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        guard let text = jsonText(value) else {
            // Only a value that JSON cannot represent gets here, and none of our documents is one.
            return ServerResponse(status: .internalServerError, headers: headers)
        }
        return ServerResponse(status: status, headers: headers, body: text + [0x0a])
    }

    /// A JSON document in one line without an end.
    static func jsonText(_ value: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
        return (try? encoder.encode(value)).map { [UInt8]($0) }
    }

    /// A JSON object of numbers, written without the encoder: for the answers that are given most,
    /// which take longer to encode than everything else does.
    ///
    /// - Parameter members: names that need no escapes, in order.
    static func json(numbers members: KeyValuePairs<StaticString, UInt64>) -> ServerResponse {
        let text = members.map { "\"\($0)\":\($1)" }.joined(separator: ",")
        return ServerResponse(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: Array("{\(text)}\n".utf8))
    }

    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok)
        -> ServerResponse
    {
        ServerResponse(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: [UInt8](text.utf8))
    }
}

extension HTTPField.Name {
    private static func literal(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else {
            preconditionFailure("\(name) is not a header field name")
        }
        return field
    }

    static let host = literal("Host")
    static let secFetchSite = literal("Sec-Fetch-Site")
    static let referrerPolicy = literal("Referrer-Policy")
    static let crossOriginOpenerPolicy = literal("Cross-Origin-Opener-Policy")
    static let requestID = literal("Request-Id")
    static let xRequestID = literal("X-Request-Id")
    /// Cursors of the first byte of the body and of the one after its last.
    static let offset = literal("Offset")
    static let nextOffset = literal("Next-Offset")
    /// Present, as `true`, when nothing will follow `Next-Offset`.
    static let streamClosed = literal("Stream-Closed")
    static let streamFinished = literal("Stream-Finished")
    static let lastEventID = literal("Last-Event-ID")
    static let xAccelBuffering = literal("X-Accel-Buffering")
    /// The cursor to pass as the next `after`.
    static let nextAfter = literal("Next-After")
    /// A byte position in the sending direction.
    static let sendOffset = literal("Send-Offset")
}
