import Glibc
import LRP2P
import Threads

/// A kept-alive HTTP/1.1 connection: one request after the other, each in blocking calls. For one
/// thread at a time.
final class HTTPClient {
    /// Bytes of an answer's head at most.
    private static let maximumHead = 65_536
    private static let bufferBytes = 256 * 1024

    let socket: TCPSocket
    private let host: String
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: HTTPClient.bufferBytes, alignment: 64)
    /// What has been received and not been used.
    private var unread = 0..<0

    init(port: UInt16, source: UInt16? = nil) throws {
        socket = try TCPSocket(port: port, source: source)
        host = "127.0.0.1:\(port)"
    }

    deinit { buffer.deallocate() }

    /// The bytes of a request.
    static func request(
        _ method: String, _ target: String, host: String, headers: [String] = [],
        length: Int? = nil, body: [UInt8] = []
    ) -> [UInt8] {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: \(host)"] + headers
        let hasBody = method == "POST" || method == "PUT"
        if hasBody { lines.append("Content-Length: \(length ?? body.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }

    /// - Parameter length: of the body, when it is to be sent separately.
    func send(
        _ method: String, _ target: String, headers: [String] = [], length: Int? = nil,
        body: [UInt8] = []
    ) throws {
        let bytes = Self.request(
            method, target, host: host, headers: headers, length: length, body: body)
        try bytes.withUnsafeBytes { try socket.send($0) }
    }

    func request(
        _ method: String, _ target: String, headers: [String] = [], body: [UInt8] = []
    ) throws -> HTTPAnswer {
        try send(method, target, headers: headers, body: body)
        var received: [UInt8] = []
        let head = try readAnswer(toHead: method == "HEAD") { bytes, _ in
            received.append(contentsOf: bytes)
        }
        return HTTPAnswer(head: head, body: received)
    }

    /// Reads the answer to what was sent; the body is given away in pieces, together with the head,
    /// which says whose body it is.
    func readAnswer(
        toHead: Bool = false, body: (UnsafeRawBufferPointer, HTTPHead) throws -> Void
    ) throws -> HTTPHead {
        let head = try readHead()
        guard var left = toHead ? 0 : head.contentLength else { throw BenchError.notHTTP }
        while left > 0 {
            if unread.isEmpty { try fill(from: 0) }
            let count = min(left, unread.count)
            try body(UnsafeRawBufferPointer(rebasing: buffer[unread.prefix(count)]), head)
            unread = (unread.lowerBound + count)..<unread.upperBound
            left -= count
        }
        return head
    }

    private func readHead() throws -> HTTPHead {
        if !unread.isEmpty {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[unread]))
        }
        unread = 0..<unread.count
        while true {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[unread])
            if let end = HTTPHead.end(of: bytes) {
                guard let head = HTTPHead(UnsafeRawBufferPointer(rebasing: bytes[..<end])) else {
                    throw BenchError.notHTTP
                }
                unread = end..<unread.upperBound
                return head
            }
            guard unread.count < Self.maximumHead else { throw BenchError.notHTTP }
            try fill(from: unread.upperBound)
        }
    }

    private func fill(from start: Int) throws {
        let count = try socket.receive(
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
        guard count > 0 else { throw BenchError.noAnswer }
        unread = (start == 0 ? 0 : unread.lowerBound)..<(start + count)
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let status = BackgroundThread.start(name: "http client") {
            continuation.resume(with: Result(catching: body))
        }
        if status != 0 {
            continuation.resume(
                throwing: BenchError.system(operation: "pthread_create", errno: status))
        }
    }
}
