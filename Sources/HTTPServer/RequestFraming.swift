import HTTPTypes

/// Where the body of a request ends (RFC 9112 §6.3), and whether it is sent at all.
struct RequestFraming {
    /// `nil` for a chunked body; 0 for a request without one.
    let declaredLength: UInt64?
    /// The client may be holding the body back until it is told to go on.
    let expectsContinue: Bool
    /// Something is expected that nobody here knows (RFC 9110 §10.1.1).
    let expectsUnknown: Bool
    let isValid: Bool

    init(_ headers: HTTPFields) {
        let lengths = headers[values: .contentLength]
        let isChunked = headers.contains(.transferEncoding)
        let length = lengths.first.flatMap { UInt64($0) }
        declaredLength = isChunked ? nil : (length ?? 0)
        let expectations = headers[values: .expect].map { $0.lowercased() }
        expectsContinue = !expectations.isEmpty
        expectsUnknown = expectations.contains { $0 != "100-continue" }
        isValid =
            lengths.count <= 1 && !(isChunked && !lengths.isEmpty)
            && (lengths.isEmpty || length != nil)
    }
}
