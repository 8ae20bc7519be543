import CGnuTLS
import Glibc

/// What a server proves its name with, and what it trusts: the files of a `TLSConfiguration` as
/// they were at one moment. Never changed, so that sessions on any thread may use it; a session
/// holds it as long as it lives.
final class TLSCredentials: @unchecked Sendable {
    let pointer: gnutls_certificate_credentials_t
    let requiresClientCertificate: Bool
    /// Seconds since 1970 from and until which the server's own certificate is valid.
    let activation: Int64
    let expiry: Int64

    init(_ configuration: TLSConfiguration) throws(HTTPServerError) {
        var allocated: gnutls_certificate_credentials_t?
        let status = gnutls_certificate_allocate_credentials(&allocated)
        guard status == 0, let pointer = allocated else {
            throw .tls(operation: "allocating credentials", reason: tlsMessage(status))
        }
        do throws(HTTPServerError) {
            let chain = try CertificateList(file: configuration.certificateFile)
            try Self.set(chain, configuration, on: pointer)
            if let file = configuration.clientCAFile { try Self.trust(file, in: pointer) }
            activation = chain.activation
            expiry = chain.expiry
        } catch {
            gnutls_certificate_free_credentials(pointer)
            throw error
        }
        self.pointer = pointer
        requiresClientCertificate = configuration.clientCAFile != nil
    }

    deinit { gnutls_certificate_free_credentials(pointer) }

    private static func set(
        _ chain: borrowing CertificateList, _ configuration: TLSConfiguration,
        on credentials: gnutls_certificate_credentials_t
    ) throws(HTTPServerError) {
        var allocated: gnutls_x509_privkey_t?
        var status = gnutls_x509_privkey_init(&allocated)
        guard status == 0, let key = allocated else {
            throw .tls(operation: "allocating a key", reason: tlsMessage(status))
        }
        // Which wipes it. The credentials have a copy.
        defer { gnutls_x509_privkey_deinit(key) }
        try withTLSFile(configuration.keyFile, isSecret: true) { data throws(TLSFileProblem) in
            let status = gnutls_x509_privkey_import2(key, data, GNUTLS_X509_FMT_PEM, nil, 0)
            if status == GNUTLS_E_DECRYPTION_FAILED { throw .encryptedKey }
            guard status == 0 else { throw .noKey(reason: tlsMessage(status)) }
        }
        status = chain.set(on: credentials, key: key)
        if status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH {
            throw .tlsFile(
                path: configuration.keyFile,
                .keyMismatch(certificateFile: configuration.certificateFile))
        }
        guard status >= 0 else {
            throw .tlsFile(
                path: configuration.certificateFile, .noCertificate(reason: tlsMessage(status)))
        }
    }

    private static func trust(
        _ file: String, in credentials: gnutls_certificate_credentials_t
    ) throws(HTTPServerError) {
        let authorities = try CertificateList(file: file)
        let status = authorities.trust(in: credentials)
        guard status >= 0 else {
            throw .tlsFile(path: file, .noCertificate(reason: tlsMessage(status)))
        }
    }

    /// What an operator should know about the validity of the certificate; `nil` when all is well.
    static func warning(
        activation: Int64, expiry: Int64, now: Int64, file: String
    ) -> String? {
        let day: Int64 = 86_400
        if now < activation {
            return "The TLS certificate in \(file) is not valid yet. Clients will refuse it."
        }
        if now > expiry {
            return "The TLS certificate in \(file) has expired. Clients will refuse it."
        }
        let days = (expiry - now) / day
        guard days < TLSConfiguration.expiryWarningDays else { return nil }
        return "The TLS certificate in \(file) expires in \(days) day\(days == 1 ? "" : "s")."
    }
}
