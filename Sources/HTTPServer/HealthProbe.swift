import CGnuTLS
import Glibc

/// One question to an HTTP server on this machine, as a health check asks it. Blocks its thread.
///
/// Not an HTTP client for anything else: a library for that would bring a dozen others into a
/// process that never needs them. It sends no secret, so it verifies no server; where the server
/// wants to see a certificate it is shown the server's own (`TLSSession` says why that will do).
public struct HealthProbe: Sendable {
    /// As the server was told to listen on; 0.0.0.0 and :: stand for this machine.
    public var host: String
    /// Of the server; not 0.
    public var port: UInt16
    /// The server's; `nil` for plain HTTP.
    public var tls: TLSConfiguration?
    /// For all of it.
    public var timeout: Duration

    public init(host: String, port: UInt16, tls: TLSConfiguration? = nil, timeout: Duration) {
        (self.host, self.port, self.tls, self.timeout) = (host, port, tls, timeout)
    }

    /// What the server said.
    public struct Answer: Sendable, Equatable {
        /// The status code, such as 200.
        public let status: Int
        /// As text, as far as it is.
        public let body: String
    }

    /// Bytes of an answer; more is no answer to such a question.
    static let maximumAnswerBytes = 16 << 10

    /// - Parameter path: of the resource, `/readyz` for one.
    public func get(_ path: String) throws(HealthProbeError) -> Answer {
        let deadline = ContinuousClock.now + timeout
        let address = reachableHost
        let literal = address.contains(":") ? "[\(address)]" : address
        let request =
            "GET \(path) HTTP/1.1\r\nHost: \(literal):\(port)\r\nConnection: close\r\n\r\n"
        let descriptor = try connect(to: address, deadline)
        defer { close(descriptor) }
        let socket = TimedSocket(descriptor: descriptor, deadline: deadline)
        let bytes =
            if let tls {
                try exchange(request, TLSStream(socket, credentials(tls)))
            } else {
                try exchange(request, socket)
            }
        return try Answer(bytes)
    }

    private var reachableHost: String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }

    private func credentials(_ tls: TLSConfiguration) throws(HealthProbeError) -> TLSCredentials {
        do { return try TLSCredentials(tls) } catch { throw .tls(reason: error.description) }
    }

    private func connect(
        to host: String, _ deadline: ContinuousClock.Instant
    ) throws(HealthProbeError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list?.pointee
        else { throw .cannotConnect(host: host, port: port, reason: "no such host") }
        defer { freeaddrinfo(list) }
        let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { throw .system(operation: "socket", errno: errno) }
        TimedSocket(descriptor: descriptor, deadline: deadline).setTimeouts()
        guard Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            let number = errno
            close(descriptor)
            if number == EINPROGRESS { throw .timedOut }
            throw .cannotConnect(host: host, port: port, reason: systemMessage(number))
        }
        return descriptor
    }

    private func exchange(
        _ request: String, _ stream: some ByteStream
    ) throws(HealthProbeError) -> [UInt8] {
        try stream.send(Array(request.utf8))
        var answer: [UInt8] = []
        while true {
            let piece = try stream.receive()
            if piece.isEmpty { return answer }
            answer += piece
            guard answer.count <= Self.maximumAnswerBytes else { throw .notHTTP }
        }
    }
}

extension HealthProbe.Answer {
    /// RFC 9112 §4, for an answer that the end of the connection ends.
    init(_ bytes: [UInt8]) throws(HealthProbeError) {
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
            let status = Int(words[1]), let end = text.firstRange(of: "\r\n\r\n")
        else { throw .notHTTP }
        self.status = status
        body = String(text[end.upperBound...])
    }
}

/// Why there was no answer.
public enum HealthProbeError: Error, Equatable {
    /// Nobody listens there, or it cannot be reached.
    case cannotConnect(host: String, port: UInt16, reason: String)
    /// All of it took longer than it may.
    case timedOut
    /// What listens there speaks something else.
    case notHTTP
    /// A file of the certificate cannot be used, or the server did not take it.
    case tls(reason: String)
    /// Another failure of the system.
    case system(operation: String, errno: Int32)
}

extension HealthProbeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotConnect(let host, let port, let reason):
            "nothing answers at \(host) port \(port): \(reason)"
        case .timedOut: "no answer in time"
        case .notHTTP: "what listens there does not speak HTTP"
        case .tls(let reason): "TLS: \(reason)"
        case .system(let operation, let errno): "\(operation) failed: \(systemMessage(errno))"
        }
    }
}

private protocol ByteStream {
    func send(_ bytes: [UInt8]) throws(HealthProbeError)
    /// Nothing at the end.
    func receive() throws(HealthProbeError) -> [UInt8]
}

/// A connected socket that blocks until the deadline at most.
private struct TimedSocket: ByteStream {
    let descriptor: Int32
    let deadline: ContinuousClock.Instant

    /// For the next operation. Zero would mean for ever.
    func setTimeouts() {
        let left = max(.milliseconds(1), deadline - .now).components
        var time = timeval(
            tv_sec: Int(left.seconds), tv_usec: Int(left.attoseconds / 1_000_000_000_000))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    func send(_ bytes: [UInt8]) throws(HealthProbeError) {
        setTimeouts()
        // A request fits an empty send buffer.
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) >= 0 else {
            throw failure("send")
        }
    }

    func receive() throws(HealthProbeError) -> [UInt8] {
        setTimeouts()
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw failure("recv") }
        return Array(buffer.prefix(count))
    }

    private func failure(_ operation: String) -> HealthProbeError {
        let number = errno
        return number == EAGAIN ? .timedOut : .system(operation: operation, errno: number)
    }
}

/// TLS over it, as a client.
private final class TLSStream: ByteStream {
    private let socket: TimedSocket
    private let session: gnutls_session_t
    /// Kept alive: the session has but a pointer.
    private let credentials: TLSCredentials

    init(_ socket: TimedSocket, _ credentials: TLSCredentials) throws(HealthProbeError) {
        var allocated: gnutls_session_t?
        let flags = GNUTLS_CLIENT.rawValue | UInt32(GNUTLS_NO_SIGNAL.rawValue)
        let status = gnutls_init(&allocated, flags)
        guard status == 0, let session = allocated else {
            throw .tls(reason: tlsMessage(status))
        }
        (self.socket, self.session, self.credentials) = (socket, session, credentials)
        gnutls_priority_set_direct(session, TLSConfiguration.priorities, nil)
        gnutls_credentials_set(
            session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials.pointer))
        gnutls_transport_set_int2(session, socket.descriptor, socket.descriptor)
        while true {
            socket.setTimeouts()
            let status = gnutls_handshake(session)
            if status == 0 { return }
            guard gnutls_error_is_fatal(status) == 0, status != GNUTLS_E_AGAIN else {
                throw failure(status)
            }
        }
    }

    deinit { gnutls_deinit(session) }

    func send(_ bytes: [UInt8]) throws(HealthProbeError) {
        socket.setTimeouts()
        let count = gnutls_record_send(session, bytes, bytes.count)
        guard count >= 0 else { throw failure(Int32(count)) }
    }

    func receive() throws(HealthProbeError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            socket.setTimeouts()
            let count = gnutls_record_recv(session, &buffer, buffer.count)
            if count >= 0 { return Array(buffer.prefix(count)) }
            let status = Int32(count)
            // The server need not say good-bye (RFC 9112 §9.8 is about what one relies on).
            if status == GNUTLS_E_PREMATURE_TERMINATION { return [] }
            guard gnutls_error_is_fatal(status) == 0, status != GNUTLS_E_AGAIN else {
                throw failure(status)
            }
        }
    }

    private func failure(_ status: Int32) -> HealthProbeError {
        status == GNUTLS_E_AGAIN ? .timedOut : .tls(reason: tlsMessage(status))
    }
}
