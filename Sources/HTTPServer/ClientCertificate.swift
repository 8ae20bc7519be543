import CGnuTLS

/// The certificate with which a client has proved who it is. It was verified in the handshake:
/// issuer, time and purpose.
public struct ClientCertificate: Sendable, Hashable {
    /// The distinguished name, such as `CN=backup,O=Example` (RFC 4514).
    public let subject: String
    /// The common name out of it; `nil` when there is none or more than one.
    public let commonName: String?
    /// SHA-256 of the certificate in DER: 64 hexadecimal digits in lower case.
    public let sha256: String

    public init(subject: String, commonName: String?, sha256: String) {
        self.subject = subject
        self.commonName = commonName
        self.sha256 = sha256
    }

    /// `nil` when GnuTLS cannot read it.
    init?(der: UnsafePointer<gnutls_datum_t>) {
        var allocated: gnutls_x509_crt_t?
        guard gnutls_x509_crt_init(&allocated) == 0, let certificate = allocated else {
            return nil
        }
        defer { gnutls_x509_crt_deinit(certificate) }
        guard gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0,
            let subject = Self.subject(of: certificate), let sha256 = Self.fingerprint(of: der)
        else { return nil }
        self.subject = subject
        commonName =
            Self.commonName(of: certificate, at: 1) == nil
            ? Self.commonName(of: certificate, at: 0) : nil
        self.sha256 = sha256
    }

    private static func subject(of certificate: gnutls_x509_crt_t) -> String? {
        var name = gnutls_datum_t()
        // Without a flag the order is RFC 4514's: the last attribute first.
        let status = gnutls_x509_crt_get_dn3(certificate, &name, 0)
        // An empty name is allowed where there are alternative ones (RFC 5280 §4.1.2.6).
        if status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE { return "" }
        guard status == 0 else { return nil }
        defer { CGnuTLS_free(name.data) }
        let bytes = UnsafeBufferPointer(start: name.data, count: Int(name.size))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func commonName(of certificate: gnutls_x509_crt_t, at index: UInt32) -> String? {
        // RFC 5280, appendix A: at most 64 characters; GnuTLS takes longer ones.
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = bytes.count
        let status = gnutls_x509_crt_get_dn_by_oid(
            certificate, GNUTLS_OID_X520_COMMON_NAME, index, 0, &bytes, &count)
        return status == 0 ? unescaped(bytes.prefix(count)) : nil
    }

    /// The value that GnuTLS has written as in a distinguished name (RFC 4514 §2.4); `nil` for one
    /// that is no text, or not UTF-8.
    static func unescaped(_ text: some Collection<UInt8>) -> String? {
        guard text.first != UInt8(ascii: "#") else { return nil }
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            let pair = String(decoding: rest.prefix(2), as: UTF8.self)
            if pair.allSatisfy(\.isHexDigit), let value = UInt8(pair, radix: 16), pair.count == 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else if let escaped = rest.popFirst() {
                bytes.append(escaped)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func fingerprint(of der: UnsafePointer<gnutls_datum_t>) -> String? {
        var digest = [UInt8](repeating: 0, count: 32)
        var count = digest.count
        guard gnutls_fingerprint(GNUTLS_DIG_SHA256, der, &digest, &count) == 0 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}
