/// What the metrics tell of the HTTP server in front of a ``Gateway``, which does not know it.
public struct HTTPServerFigures: Sendable {
    /// Connections of clients that are open.
    public var connections: Int
    /// The most there may be of them.
    public var maximumConnections: Int
    /// When the certificate expires that new connections get, in seconds since 1970; `nil` without
    /// TLS.
    public var certificateExpiry: Int64?

    public init(connections: Int, maximumConnections: Int, certificateExpiry: Int64? = nil) {
        self.connections = connections
        self.maximumConnections = maximumConnections
        self.certificateExpiry = certificateExpiry
    }
}
