import CGnuTLS
import Glibc

/// X.509 certificates out of a PEM file, in its order; at least one.
struct CertificateList: ~Copyable {
    private let certificates: UnsafeMutablePointer<gnutls_x509_crt_t?>
    let count: UInt32

    init(file: String) throws(HTTPServerError) {
        (certificates, count) = try withTLSFile(file, isSecret: false) {
            data throws(TLSFileProblem) in
            var list: UnsafeMutablePointer<gnutls_x509_crt_t?>?
            var count: UInt32 = 0
            let status = gnutls_x509_crt_list_import2(
                &list, &count, data, GNUTLS_X509_FMT_PEM, 0)
            guard status >= 0, let list else {
                throw .noCertificate(reason: tlsMessage(status))
            }
            return (list, count)
        }
    }

    deinit {
        for index in 0..<Int(count) { gnutls_x509_crt_deinit(certificates[index]) }
        CGnuTLS_free(certificates)
    }

    /// Seconds since 1970 until which the first one is valid.
    var expiry: Int64 { Int64(gnutls_x509_crt_get_expiration_time(certificates[0])) }

    /// Seconds since 1970 from which on the first one is valid.
    var activation: Int64 { Int64(gnutls_x509_crt_get_activation_time(certificates[0])) }

    /// Makes them the chain of `key`. Returns 0 or an error of GnuTLS.
    func set(
        on credentials: gnutls_certificate_credentials_t, key: gnutls_x509_privkey_t
    ) -> Int32 {
        gnutls_certificate_set_x509_key(credentials, certificates, Int32(count), key)
    }

    /// Makes them what certificates of peers are traced to. Returns how many were taken, or an
    /// error of GnuTLS.
    func trust(in credentials: gnutls_certificate_credentials_t) -> Int32 {
        gnutls_certificate_set_x509_trust(credentials, certificates, Int32(count))
    }
}
