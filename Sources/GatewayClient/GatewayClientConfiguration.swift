/// Where the gateway is, and who is asking.
///
/// Proxies of the environment are not used: a gateway is usually on this machine, and a token must
/// not go to anybody else. Redirects are not followed, as a gateway gives none.
public struct GatewayClientConfiguration: Sendable {
    /// Where a gateway listens unless it is told otherwise.
    public static let defaultURL = "http://127.0.0.1:8080"

    /// `http://HOST:PORT` or `https://HOST:PORT`.
    public var url: String
    /// Sent as `Authorization: Bearer`.
    public var token: String?
    /// PEM file of the authorities that may have signed the gateway's certificate, in place of the
    /// system's.
    public var authorityFile: String?
    /// PEM file of the certificate with which this client shows who it is (mutual TLS).
    public var certificateFile: String?
    /// PEM file of the private key of that certificate.
    public var keyFile: String?
    /// Sent as `User-Agent`.
    public var userAgent = "lrp2p/\(ClientVersion.current)"
    /// How long the TCP connection, and TLS on it, may take.
    public var connectTime: Duration = .seconds(5)
    /// How long a request may go without a byte in either direction, beyond what it asks the
    /// gateway to wait.
    public var silence: Duration = .seconds(15)
    /// Bytes of the longest document that is taken.
    public var maximumDocumentBytes = 16 << 20

    public init(url: String = defaultURL) {
        self.url = url
    }
}

/// The version of this client, which is the gateway's.
public enum ClientVersion {
    /// As in `MAJOR.MINOR.PATCH`.
    public static let current = "0.1.0"
}
