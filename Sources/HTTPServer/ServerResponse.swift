import HTTPTypes

/// What a handler answers.
///
/// `Content-Length` comes from the body, `Date` from the clock, and `Transfer-Encoding` from
/// whether there is a stream: these three are not taken from `headers`. The answer to HEAD, and
/// one with status 304, keeps the length of the body and is sent without it (RFC 9110 §8.6).
public struct ServerResponse: Sendable {
    /// 200 to 599; another one is answered as 500.
    public var status: HTTPResponse.Status
    /// Header fields, but for those that the server sets itself.
    public var headers: HTTPFields
    /// The body, or its beginning when there is a ``stream``.
    public var body: [UInt8]

    /// Makes the pieces of a streamed body: `nil` ends it, an error breaks the connection off, so
    /// that the client can tell. An empty piece is skipped.
    ///
    /// Runs in the request's task, which is cancelled when the client leaves or the server stops;
    /// what it returns then is still sent, and `nil` is an orderly end. It is called again only
    /// when TCP has taken the last piece.
    public typealias BodyStream = @Sendable () async throws -> [UInt8]?

    /// What follows `body`, piece by piece. Such an answer is chunked and has no `Content-Length`;
    /// to HTTP/1.0 it ends with the connection (RFC 9112 §6.3). It is never called for an answer
    /// that has no body: to HEAD, or with status 204 or 304.
    public var stream: BodyStream?

    public init(
        status: HTTPResponse.Status, headers: HTTPFields = [:], body: [UInt8] = [],
        stream: BodyStream? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
    }
}

/// Answers one request. Runs in a task of its own, which is cancelled when the client has left or
/// the server stops. The answer is sent in any case, if the connection still takes it.
public typealias Handler = @Sendable (ServerRequest) async -> ServerResponse
