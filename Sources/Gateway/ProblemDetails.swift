import HTTPServer
import HTTPTypes

/// The body of every error: RFC 9457, with members of our own.
struct ProblemDetails: Encodable {
    /// "about:blank": what matters beyond the status is in `code` (RFC 9457 §4.2.1).
    let type = "about:blank"
    /// The reason phrase of the status.
    let title: String
    let status: Int
    /// What happened and what can be done, in a sentence or two.
    var detail: String
    /// Stable; for programs. Each is listed in the DocC page.
    let code: String
    /// Whether the same request can succeed later without anything else being done.
    var retryable = false

    /// The parameter, header field or JSON member that is to blame.
    var field: String?
    /// The earliest cursor that is valid.
    var earliest: String?
    /// The end of what has been received.
    var end: String?
    /// The send offset at which the next upload has to start.
    var expectedOffset: UInt64?
    var acceptedOffset: UInt64?
    var acknowledgedOffset: UInt64?
    var closeReason: String?
    /// Of the request that this answers; also in the header field `Request-Id`.
    let requestId = RequestContext.current?.id

    /// Sent as header fields.
    var retryAfterSeconds: Int?
    var challenge: String?
    var allowedMethods: [HTTPRequest.Method] = []

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, retryable: Bool = false) {
        title = status.reasonPhrase
        self.status = status.code
        self.code = code
        self.detail = detail
        self.retryable = retryable
    }

    enum CodingKeys: CodingKey {
        case type, title, status, detail, code, retryable, field, earliest, end
        case expectedOffset, acceptedOffset, acknowledgedOffset, closeReason, requestId
    }

    var response: ServerResponse {
        let status = HTTPResponse.Status(code: status, reasonPhrase: title)
        var response = ServerResponse.json(self, status: status)
        response.headers[.contentType] = "application/problem+json"
        if let retryAfterSeconds {
            response.headers[.retryAfter] = String(retryAfterSeconds)
        }
        if let challenge { response.headers[.wwwAuthenticate] = challenge }
        if !allowedMethods.isEmpty {
            response.headers[.allow] = allowedMethods.map(\.rawValue).joined(separator: ", ")
        }
        return response
    }
}
