/// TLS 1.2 and 1.3 for a server, from PEM files that can be read again while it runs: see
/// `HTTPServer.reloadTLS()`.
public struct TLSConfiguration: Sendable, Equatable {
    /// The server's certificate, then the intermediate ones up to the root, which may be left out.
    public var certificateFile: String
    /// The private key of the first certificate, without a password. "Others" may have no access to
    /// the file; its group may read it, as the group `ssl-cert` does.
    public var keyFile: String
    /// With it, TLS is mutual: only clients with a certificate that one of these certificate
    /// authorities has issued, directly or through intermediate ones, get past the handshake.
    /// The certificate must be valid now, and if it names purposes, client authentication has to be
    /// one of them (RFC 5280 §4.2.1.12).
    public var clientCAFile: String?

    public init(certificateFile: String, keyFile: String, clientCAFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientCAFile = clientCAFile
    }

    /// Bytes of any of these files.
    static let maximumFileBytes = 1 << 20
    /// An operator is warned this long before the certificate expires: authorities that issue for
    /// 90 days renew 30 days before the end, so by then a renewal has failed.
    static let expiryWarningDays: Int64 = 21
    /// Only what gives forward secrecy and authenticated encryption. Without groups of finite
    /// fields: they make a server work long for a client's few bytes (CVE-2002-20001). Certificates
    /// of clients need 112 bits of strength: RSA of 2048 bits.
    static let priorities =
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
        + ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
        + ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
        + ":%SERVER_PRECEDENCE:%PROFILE_MEDIUM"
    /// In the handshake (RFC 7301). A client that offers none gets HTTP/1.1.
    static let applicationProtocols = ["http/1.1", "http/1.0"]
}
