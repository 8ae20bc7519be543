import Glibc
import LRP2P

/// A TCP connection to a port of this machine.
final class TCPSocket: Sendable {
    /// How long a blocking call waits: longer than the longest long-poll.
    private static let limitSeconds = 120

    let descriptor: Int32

    /// - Parameter source: the last two bytes of the loopback address to come from, so that
    ///   many connections need not share one address.
    init(port: UInt16, source: UInt16? = nil) throws {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, kind, Int32(IPPROTO_TCP))
        guard descriptor >= 0 else { throw BenchError.system(operation: "socket", errno: errno) }
        var failure = source.map { bind(toSource: $0) } ?? 0
        if failure == 0 { failure = connect(to: port) }
        // From here on a failure runs `deinit`.
        guard failure == 0 else { throw BenchError.system(operation: "connect", errno: failure) }
        set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1))
        let limit = timeval(tv_sec: Self.limitSeconds, tv_usec: 0)
        set(SOL_SOCKET, SO_RCVTIMEO, limit)
        set(SOL_SOCKET, SO_SNDTIMEO, limit)
    }

    deinit { close(descriptor) }

    private func bind(toSource source: UInt16) -> Int32 {
        // The port is chosen when the destination is known: there are enough for each.
        set(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, Int32(1))
        var name = sockaddr_in.loopback(port: 0)
        name.sin_addr.s_addr = (0x7f00_0000 | UInt32(source)).bigEndian
        return name.asSockaddr { Glibc.bind(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    private func connect(to port: UInt16) -> Int32 {
        let name = sockaddr_in.loopback(port: port)
        return name.asSockaddr { Glibc.connect(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) {
        withUnsafeBytes(of: value) {
            _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
        }
    }

    /// Waits never, from now on.
    func makeNonBlocking() {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Closing it resets the connection, as if its program had been killed.
    func resetAtEnd() {
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    }

    /// Sends all, blocking.
    func send(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
            let count = Glibc.send(
                descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { throw BenchError.system(operation: "send", errno: errno) }
            sent += count
        }
    }

    /// Receives some, blocking; 0 at the end.
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BenchError.system(operation: "recv", errno: errno) }
            return count
        }
    }
}

extension sockaddr_in {
    static func loopback(port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return name
    }

    /// The port that a socket was given.
    static func localPort(of descriptor: Int32) -> UInt16? {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        return status == 0 ? UInt16(bigEndian: name.sin_port) : nil
    }

    func asSockaddr<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        withUnsafePointer(to: self) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
