import Foundation
import Glibc
import HTTPServer

/// A TCP client that says exactly what it is told, for what `curl` would never say. It closes when
/// it is released. Every wait has a deadline.
final class RawClient: Sendable {
    private let descriptor: Int32

    struct Failure: Error { let operation: String, number: Int32 }

    init(_ server: HTTPServer) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = server.port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(operation: "connect", number: errno) }
    }

    deinit { close(descriptor) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await blocking { [descriptor] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(operation: "send", number: errno) }
                sent += count
            }
        }
    }

    /// Sends until the server has taken nothing for a second. A server that is only slow to be
    /// scheduled makes this less, never more.
    func sendUntilBlocked(_ bytes: [UInt8]) async throws -> Int {
        try await blocking { [descriptor] in
            var sent = 0
            while sent < bytes.count {
                var interest = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&interest, 1, 1000) > 0 else { return sent }
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(
                        descriptor, $0.baseAddress, $0.count,
                        Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                guard count > 0 || errno == EAGAIN else {
                    throw Failure(operation: "send", number: errno)
                }
                sent += max(0, count)
            }
            return sent
        }
    }

    /// Closes the sending side, as `nc -N` does.
    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closing will send a reset.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// What arrives until it contains `end`, or until the server closes.
    func receive(until end: String? = nil) async throws -> String {
        try await blocking { [descriptor] in
            var bytes: [UInt8] = []
            while true {
                let text = String(decoding: bytes, as: UTF8.self)
                if let end, text.contains(end) { return text }
                var block = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &block, block.count, 0)
                guard count >= 0 else { throw Failure(operation: "recv", number: errno) }
                if count == 0 { return text }
                bytes += block.prefix(count)
            }
        }
    }

    /// Receives so many bytes and drops them.
    func skip(_ count: Int) async throws {
        try await blocking { [descriptor] in
            var block = [UInt8](repeating: 0, count: 1 << 16)
            var left = count
            while left > 0 {
                let count = recv(descriptor, &block, min(left, block.count), 0)
                guard count > 0 else { throw Failure(operation: "recv", number: errno) }
                left -= count
            }
        }
    }

    /// On a thread of its own: the server's handlers need those of the pool.
    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let value = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
        return value
    }
}
