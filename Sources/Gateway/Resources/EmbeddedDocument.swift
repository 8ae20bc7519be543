import HTTPServer
import HTTPTypes

/// A file that was compiled into the executable, and what lets a client keep it.
struct EmbeddedDocument: Sendable {
    private let bytes: [UInt8]
    private let headers: HTTPFields
    /// A strong validator (RFC 9110 §8.8.1).
    private let entityTag: String

    /// - Parameter headers: besides those of a document that is kept.
    init(_ bytes: UnsafeBufferPointer<UInt8>, mediaType: String, headers: HTTPFields = [:]) {
        self.bytes = [UInt8](bytes)
        entityTag = Self.entityTag(of: bytes)
        var headers = headers
        headers[.contentType] = mediaType
        headers[.eTag] = entityTag
        // To be kept, and to be asked about each time: the next release may say otherwise.
        headers[.cacheControl] = "no-cache"
        self.headers = headers
    }

    /// The document, or 304 for a client that has it.
    func response(to request: ServerRequest) -> ServerResponse {
        // The server leaves the body of 304 out and keeps its length, as RFC 9110 §8.6 has it.
        ServerResponse(
            status: matches(request.headers) ? .notModified : .ok, headers: headers, body: bytes)
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
    private static func entityTag(of bytes: UnsafeBufferPointer<UInt8>) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return "\"\(String(hash, radix: 16))\""
    }
}
