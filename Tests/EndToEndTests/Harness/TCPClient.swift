import Foundation
import Glibc
import Testing

struct SystemCallFailure: Error {
    let name: String
    let errno: Int32

    init(_ name: String, errno: Int32) {
        (self.name, self.errno) = (name, errno)
    }
}

/// A TCP connection to a port of this machine, for requests that `curl` would not send, and for
/// many at a time.
final class TCPClient: Sendable {
    static let timeoutSeconds = 120
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallFailure("socket", errno: errno) }
        var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        var address = loopbackAddress(port: port)
        let result = withUnsafeBytes(of: &address) {
            connect(
                descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        // A failure runs `deinit`.
        guard result == 0 else { throw SystemCallFailure("connect", errno: errno) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: some Sequence<UInt8>) throws {
        // A slice keeps its storage.
        let bytes = (bytes as? ArraySlice<UInt8>) ?? Array(bytes)[...]
        var sent = bytes.startIndex
        while sent < bytes.endIndex {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemCallFailure("send", errno: errno) }
            sent += count
        }
    }

    /// A request that asks the server to close the connection after its answer.
    func write(
        _ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []
    ) throws {
        var lines = ["\(method) \(target) HTTP/1.1", "Connection: close"]
        if headers["Host"] == nil { lines.append("Host: localhost") }
        if !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        lines += headers.map { "\($0.key): \($0.value)" }
        try write((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        try write(body)
    }

    /// A request whose body is to follow, or not.
    func writeHead(
        _ method: String, _ target: String, length: Int, _ more: String...
    ) throws {
        let lines = [
            "\(method) \(target) HTTP/1.1", "Host: localhost", "Content-Length: \(length)",
        ] + more
        try write((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Closing resets the connection, as it does when a client with unread bytes is killed, and
    /// leaves no port behind that has to wait.
    func resetAtEnd() {
        var choice = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &choice, socklen_t(MemoryLayout<linger>.size))
    }

    /// What comes first, if anything comes in time.
    func readSome(withinMilliseconds limit: Int32) -> [UInt8] {
        var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&events, 1, limit) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, count)))
    }

    /// Everything until the server closes the connection.
    func readAll() throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallFailure("recv", errno: errno) }
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    func readAnswer() throws -> Answer {
        let all = try readAll()
        guard let end = all.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw NoAnswer(received: String(decoding: all, as: UTF8.self))
        }
        return try Answer(
            head: String(decoding: all[..<end.lowerBound], as: UTF8.self),
            body: Array(all[end.upperBound...]))
    }
}

/// The connection ended before the head of an answer did.
struct NoAnswer: Error {
    let received: String
}

func loopbackAddress(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

extension GatewayProcess {
    /// A plain request without `curl`.
    func request(
        _ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []
    ) async throws -> Answer {
        try await onThread { [httpPort] in
            let client = try TCPClient(port: httpPort)
            try client.write(method, target, headers: headers, body: body)
            return try client.readAnswer()
        }
    }
}
