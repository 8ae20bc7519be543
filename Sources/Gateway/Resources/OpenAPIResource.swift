import COpenAPI
import HTTPServer
import HTTPTypes

/// `GET /openapi.yaml`: the contract of this server, as of the sources it was built from.
struct OpenAPIResource: Sendable {
    /// RFC 9512 §2.1.
    private static let mediaType = "application/yaml"

    private let document = [UInt8](
        UnsafeBufferPointer(start: copenapi_bytes(), count: copenapi_count()))
    /// A strong validator (RFC 9110 §8.8.1).
    private let entityTag: String

    init() {
        entityTag = Self.entityTag(of: document)
    }

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        let headers: HTTPFields = [
            .contentType: Self.mediaType, .eTag: entityTag,
            // To be kept, and to be asked about each time: the next release may say otherwise.
            .cacheControl: "no-cache",
        ]
        // The server leaves the body of 304 out and keeps its length, as RFC 9110 §8.6 has it.
        return ServerResponse(
            status: matches(request.headers) ? .notModified : .ok, headers: headers, body: document)
    }

    /// The weak comparison of If-None-Match (RFC 9110 §13.1.2). No tag of ours has a comma in it.
    private func matches(_ headers: HTTPFields) -> Bool {
        headers[values: .ifNoneMatch].contains { value in
            value.split(separator: ",").contains { candidate in
                var tag = candidate.drop { $0 == " " || $0 == "\t" }
                while tag.last == " " || tag.last == "\t" { tag.removeLast() }
                if tag.hasPrefix("W/") { tag.removeFirst(2) }
                return tag == "*" || tag == entityTag
            }
        }
    }

    /// FNV-1a of the bytes: nobody gains by two documents with one tag.
    private static func entityTag(of bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return "\"\(String(hash, radix: 16))\""
    }
}
