import HTTPTypes

/// What a handler answers.
///
/// `Content-Length` comes from the body, `Date` from the clock, and `Transfer-Encoding` is never
/// used: these three are not taken from `headers`. The answer to HEAD, and one with status 304, keeps
/// the length of the body and is sent without it (RFC 9110 §8.6).
public struct ServerResponse: Sendable {
    /// 200 to 599; another one is answered as 500.
    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: [UInt8]

    public init(status: HTTPResponse.Status, headers: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Answers one request. Runs in a task of its own, which is cancelled when the client has left or
/// the server stops. The answer is sent in any case, if the connection still takes it.
public typealias Handler = @Sendable (ServerRequest) async -> ServerResponse
