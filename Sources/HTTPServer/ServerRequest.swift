import HTTPTypes

/// One HTTP request as a handler sees it.
public struct ServerRequest: Sendable {
    /// Shared, because a request is handed through many `async` functions, each of which keeps a
    /// copy while it waits.
    private final class Content: Sendable {
        let method: HTTPRequest.Method
        let segments: [String]
        let query: [(name: String, value: String)]
        let headers: HTTPFields
        let remoteAddress: String
        let isSecure: Bool
        let clientCertificate: ClientCertificate?
        let body: RequestBody

        init(
            method: HTTPRequest.Method, segments: [String], query: [(name: String, value: String)],
            headers: HTTPFields, remoteAddress: String, isSecure: Bool,
            clientCertificate: ClientCertificate?, body: RequestBody
        ) {
            self.method = method
            self.segments = segments
            self.query = query
            self.headers = headers
            self.remoteAddress = remoteAddress
            self.isSecure = isSecure
            self.clientCertificate = clientCertificate
            self.body = body
        }
    }

    private let content: Content

    public var method: HTTPRequest.Method { content.method }
    /// The path, percent-decoded, without the query. A `/` that was written as `%2F` cannot be
    /// told from a separator here: use `segments` to tell which resource is meant.
    public var path: String { "/" + segments.joined(separator: "/") }
    /// The path, split at `/` and then percent-decoded (RFC 3986 §2.4), without the empty segment
    /// before the leading `/`.
    public var segments: [String] { content.segments }
    /// The parameters of the query in order, percent-decoded; `a` and `a=` both have an empty
    /// value. A `+` is a plus: these are RFC 3986 queries, not HTML forms.
    public var query: [(name: String, value: String)] { content.query }
    public var headers: HTTPFields { content.headers }
    /// `address:port` or `[address]:port` of the TCP peer. For logs only: it may be a proxy's.
    public var remoteAddress: String { content.remoteAddress }
    /// Whether it came over TLS.
    public var isSecure: Bool { content.isSecure }
    /// Who the client is, where TLS is mutual.
    public var clientCertificate: ClientCertificate? { content.clientCertificate }
    /// What the router matched: the values of `{name}` segments.
    public var parameters: [String: String]
    public var body: RequestBody { content.body }

    public init(
        method: HTTPRequest.Method, path: String, query: [(name: String, value: String)] = [],
        headers: HTTPFields = [:], remoteAddress: String = "", isSecure: Bool = false,
        clientCertificate: ClientCertificate? = nil, parameters: [String: String] = [:],
        body: RequestBody = RequestBody()
    ) {
        self.init(
            method: method, segments: splitPath(path), query: query, headers: headers,
            remoteAddress: remoteAddress, isSecure: isSecure,
            clientCertificate: clientCertificate, parameters: parameters, body: body)
    }

    init(
        method: HTTPRequest.Method, segments: [String], query: [(name: String, value: String)],
        headers: HTTPFields, remoteAddress: String, isSecure: Bool = false,
        clientCertificate: ClientCertificate? = nil, parameters: [String: String],
        body: RequestBody
    ) {
        content = Content(
            method: method, segments: segments, query: query, headers: headers,
            remoteAddress: remoteAddress, isSecure: isSecure,
            clientCertificate: clientCertificate, body: body)
        self.parameters = parameters
    }
}
