import HTTPTypes

/// One HTTP request as a handler sees it.
public struct ServerRequest: Sendable {
    /// As it was sent: HEAD stays HEAD, even where the handler of GET answers.
    public let method: HTTPRequest.Method
    /// The path, percent-decoded, without the query. A `/` that was written as `%2F` cannot be
    /// told from a separator here: use `segments` to tell which resource is meant.
    public var path: String { "/" + segments.joined(separator: "/") }
    /// The path, split at `/` and then percent-decoded (RFC 3986 §2.4), without the empty segment
    /// before the leading `/`.
    public let segments: [String]
    /// The parameters of the query in order, percent-decoded; `a` and `a=` both have an empty
    /// value. A `+` is a plus: these are RFC 3986 queries, not HTML forms.
    public let query: [(name: String, value: String)]
    /// All header fields, in order, as they were sent.
    public let headers: HTTPFields
    /// `address:port` or `[address]:port` of the TCP peer. For logs only: it may be a proxy's.
    public let remoteAddress: String
    /// Whether it came over TLS.
    public let isSecure: Bool
    /// Who the client is, where TLS is mutual.
    public let clientCertificate: ClientCertificate?
    /// What the router matched: the values of `{name}` segments.
    public var parameters: [String: String]
    /// The body, which is received as it is asked for; empty when there is none.
    public let body: RequestBody

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
        self.method = method
        self.segments = segments
        self.query = query
        self.headers = headers
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.clientCertificate = clientCertificate
        self.parameters = parameters
        self.body = body
    }
}
