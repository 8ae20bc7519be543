import HTTPTypes

/// Where a server listens, and its limits. Each limit says what a client gets when it is reached.
public struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 address, without brackets, or a name. A name is bound at the first of its
    /// addresses that works.
    public var host = "127.0.0.1"
    /// 0 picks a free one; `HTTPServer.port` tells which.
    public var port: UInt16 = 8080
    /// TCP connections at a time, waiting requests included. Beyond it, connections wait in the
    /// kernel's backlog until another one closes.
    public var maximumConnections = 4096
    /// TCP connections of one client address at a time. Beyond it, a new one is closed without a
    /// word. 0 for no limit, as a proxy's clients all have one address.
    public var maximumConnectionsPerAddress = 0
    /// Connections the kernel completes before they are accepted. Beyond it the kernel drops
    /// handshakes, and the client's TCP tries again.
    public var listenBacklog = 511
    /// Seconds a TCP connection may be silent between requests, while a request is being read, or
    /// while a response is being written. Then it is closed without a word. A request whose handler
    /// runs is not bound by it. 0 for no limit.
    public var idleTimeoutSeconds = 60
    /// Seconds a client may take from the first byte of a request header to its last, however
    /// steadily it sends; for the first request, from the connection on. Then the connection is
    /// closed without a word, up to a quarter of this time later. 0 for no limit.
    public var headerTimeoutSeconds = 20
    /// Seconds of silence after which the kernel asks whether the client still exists, and between
    /// its three questions: so a client that vanished frees its waiting handler. 1 or more.
    public var keepAliveProbeSeconds = 30
    /// Memory of one connection, in bytes: its buffers, and the request line and header of the
    /// request. A request line or header that does not fit gets 414 or 431 from libmicrohttpd.
    public var connectionMemoryBytes = 32 * 1024
    /// Bytes of a request body held for its handler. While they wait to be read the socket is not
    /// read, and TCP slows the client down.
    public var bodyBufferBytes = 64 * 1024
    /// Bytes of an unwanted request body that are received and dropped before the answer, so that
    /// the connection can be used again: all of a body that is declared no longer than this, or
    /// the rest of one that was read in part. Beyond it the answer is sent at once, and the
    /// connection closes.
    public var drainLimitBytes = 1 << 20
    /// How long such a connection is drained after the answer, in seconds (RFC 9112 §9.6), and how
    /// many bytes that may be. Beyond either it is reset.
    public var lingerSeconds = 2
    /// Bytes that are dropped then at most.
    public var lingerBytes = 16 << 20
    /// Connections drained after the answer at a time. Beyond it they are closed at once, and the
    /// client may see a reset instead of the answer.
    public var maximumLingering = 256
    /// HTTPS instead of HTTP. Who speaks plain HTTP then is cut off in the handshake.
    public var tls: TLSConfiguration?
    /// Where libmicrohttpd's messages go, and why a client's certificate was refused. Called on its
    /// thread: it must not block.
    public var log: @Sendable (String) -> Void = { _ in }
    /// What an operator should know and do something about: that the TLS certificate expires soon.
    /// Called by `start` and `reloadTLS`.
    public var warn: @Sendable (String) -> Void = { _ in }
    /// The answers this server gives without asking the handler: 400 for a target or framing that
    /// it cannot accept, 417 for an expectation other than `100-continue`, 500 for an answer that
    /// cannot be sent, 503 while it stops. The second argument says why, in one sentence. Called on
    /// any thread: it must not block.
    public var errorResponse: @Sendable (HTTPResponse.Status, String) -> ServerResponse = {
        ServerResponse(
            status: $0, headers: [.contentType: "text/plain; charset=utf-8"],
            body: Array(($1 + "\n").utf8))
    }

    public init() {}
}
