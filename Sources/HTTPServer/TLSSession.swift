import CGnuTLS
import CMicrohttpd
import Glibc

/// TLS on one connection. Used on libmicrohttpd's thread only, but for `send`.
///
/// libmicrohttpd runs the handshake and moves the bytes. Before its first step the session is given
/// our credentials here, so that a reload is a matter of new connections only; there are no tickets
/// and no cache, so each connection is verified in full.
final class TLSSession: @unchecked Sendable {
    private let session: gnutls_session_t
    /// Kept alive: the session has but a pointer.
    private let credentials: TLSCredentials
    private let log: (String) -> Void
    /// libmicrohttpd's, which alone may use the session.
    private let thread = pthread_self()
    /// Set when the handshake has found it good.
    private(set) var clientCertificate: ClientCertificate?
    /// The client has shown our own certificate, and that it has its key: it is this server's own
    /// health check, or could be this server. It counts as a client without a certificate.
    private var isOwnProbe = false
    /// Whether the client was sent an alert, which is not to be lost to a TCP reset: in TLS 1.3 a
    /// client may have sent its request by then.
    private(set) var wasRefused = false

    /// - Parameter log: where it is said why a client was refused.
    /// - Returns: `nil` when GnuTLS refuses. The handshake fails then: libmicrohttpd has no
    ///   certificate of its own.
    init?(
        _ session: gnutls_session_t, credentials: TLSCredentials,
        log: @escaping (String) -> Void
    ) {
        self.session = session
        self.credentials = credentials
        self.log = log
        guard setApplicationProtocols(),
            gnutls_credentials_set(
                session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials.pointer))
                == 0
        else { return nil }
        guard credentials.requiresClientCertificate else { return }
        // "Request" and not "require": with the latter GnuTLS ends the handshake without a word
        // when there is none. `verify` refuses as well, and says so.
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST)
        gnutls_session_set_ptr(session, Unmanaged.passUnretained(self).toOpaque())
        gnutls_session_set_verify_function(session, verifyClient)
    }

    /// Whether requests may be read. Never false after a handshake; it is asked all the same, as
    /// this is what keeps strangers out.
    var admitsRequests: Bool {
        !credentials.requiresClientCertificate || clientCertificate != nil || isOwnProbe
    }

    /// Sends what the socket's buffer takes, for an answer past libmicrohttpd. On another thread
    /// than libmicrohttpd's nothing is sent: that one may be ending the session, and GnuTLS would
    /// not know. The client then sees the end of the connection and no answer.
    func send(_ bytes: [UInt8]) {
        guard pthread_equal(pthread_self(), thread) != 0 else { return }
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                // At most a record each time.
                let count = gnutls_record_send(
                    session, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    private func setApplicationProtocols() -> Bool {
        // GnuTLS copies them.
        let names = TLSConfiguration.applicationProtocols.map { Array($0.utf8) }
        var data = names.map { name in
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: name.count)
            bytes.initialize(from: name, count: name.count)
            return gnutls_datum_t(data: bytes, size: UInt32(name.count))
        }
        defer { for datum in data { datum.data?.deallocate() } }
        let flags = GNUTLS_ALPN_MANDATORY.rawValue
        return gnutls_alpn_set_protocols(session, &data, UInt32(data.count), flags) == 0
    }

    // MARK: Client certificates

    /// Called in the handshake, without a certificate too. 0 lets it go on.
    fileprivate func verify() -> Int32 {
        var count: UInt32 = 0
        guard let chain = gnutls_certificate_get_peers(session, &count), count > 0 else {
            let isTLS13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3
            return refuse(
                isTLS13 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE,
                "it has none")
        }
        if let own = gnutls_certificate_get_ours(session), Self.isSame(own.pointee, chain.pointee) {
            isOwnProbe = true
            return 0
        }
        var status: UInt32 = 0
        let result = GNUTLS_KP_TLS_WWW_CLIENT.withCString { purpose in
            var wanted = gnutls_typed_vdata_st(
                type: GNUTLS_DT_KEY_PURPOSE_OID,
                data: UnsafeMutableRawPointer(mutating: purpose).assumingMemoryBound(
                    to: UInt8.self),
                size: 0)
            return gnutls_certificate_verify_peers(session, &wanted, 1, &status)
        }
        guard result == 0 else { return refuse(GNUTLS_A_BAD_CERTIFICATE, tlsMessage(result)) }
        guard status == 0 else { return refuse(Self.alert(for: status), Self.text(for: status)) }
        guard let certificate = ClientCertificate(der: chain) else {
            return refuse(GNUTLS_A_BAD_CERTIFICATE, "it cannot be read")
        }
        clientCertificate = certificate
        return 0
    }

    private func refuse(_ alert: gnutls_alert_description_t, _ reason: String) -> Int32 {
        log("client certificate refused: \(reason)")
        // GnuTLS would only fail: the client is told why.
        gnutls_alert_send(session, GNUTLS_AL_FATAL, alert)
        wasRefused = true
        return GNUTLS_E_CERTIFICATE_ERROR
    }

    private static func isSame(_ a: gnutls_datum_t, _ b: gnutls_datum_t) -> Bool {
        a.size == b.size && memcmp(a.data, b.data, Int(a.size)) == 0
    }

    private static func has(
        _ status: UInt32, _ flag: gnutls_certificate_status_t
    ) -> Bool { status & flag.rawValue != 0 }

    /// RFC 8446 §6.2.
    private static func alert(for status: UInt32) -> gnutls_alert_description_t {
        if has(status, GNUTLS_CERT_SIGNER_NOT_FOUND) { return GNUTLS_A_UNKNOWN_CA }
        if has(status, GNUTLS_CERT_EXPIRED) { return GNUTLS_A_CERTIFICATE_EXPIRED }
        return GNUTLS_A_BAD_CERTIFICATE
    }

    private static func text(for status: UInt32) -> String {
        var text = gnutls_datum_t()
        guard
            gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0,
            let data = text.data
        else { return "status \(status)" }
        defer { CGnuTLS_free(data) }
        return String(cString: data)
    }
}

private let verifyClient: @convention(c) (gnutls_session_t?) -> Int32 = { session in
    guard let pointer = gnutls_session_get_ptr(session) else { return GNUTLS_E_CERTIFICATE_ERROR }
    return Unmanaged<TLSSession>.fromOpaque(pointer).takeUnretainedValue().verify()
}
