/// The certificate of a TLS client, which one of the trusted authorities has signed.
public struct ClientCertificate: Hashable, Sendable {
    /// The distinguished name, as a string of RFC 4514.
    public let subject: String
    /// The last common name in it, if there is one.
    public let commonName: String?
    /// Of the certificate in DER: 64 hexadecimal digits.
    public let sha256: String

    public init(subject: String, commonName: String?, sha256: String) {
        self.subject = subject
        self.commonName = commonName
        self.sha256 = sha256
    }
}
