import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import HTTPServer

/// Far beyond what a loaded machine needs: a test that reaches it has failed.
let testDeadline: Duration = .seconds(60)

/// Runs a server on a free port of the loopback interface, and stops it whatever happens.
func withServer(
    _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    handler: @escaping Handler,
    _ body: (HTTPServer) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration()
    configuration.port = 0
    configure(&configuration)
    let server = HTTPServer(configuration: configuration, handler: handler)
    try server.start()
    do {
        try await body(server)
    } catch {
        await server.stop(grace: .zero)
        throw error
    }
    await server.stop(grace: .seconds(1))
}

/// A door that opens once: long-polls in these tests wait for it.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }
    private let state = Mutex(State())

    var waiting: Int { state.withLock { $0.waiters.count } }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the gate opens or the task is cancelled.
    func wait() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if passes { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

extension ServerResponse {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> ServerResponse {
        ServerResponse(status: status, body: Array(text.utf8))
    }
}

extension HTTPServer {
    func url(_ path: String) -> String {
        "http://\(host.contains(":") ? "[\(host)]" : host):\(port)\(path)"
    }
}

/// Threads of this process.
func threadCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
}

/// A file that is removed at the end.
func withTemporaryFile(
    bytes count: Int, _ body: (_ path: String, _ sum: UInt64) async throws -> Void
) async throws {
    let path = NSTemporaryDirectory() + "http-server-test-\(UUID().uuidString)"
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try #require(FileHandle(forWritingAtPath: path))
    var checksum = Checksum()
    var generator = SystemRandomNumberGenerator()
    var left = count
    while left > 0 {
        var block = [UInt8](repeating: 0, count: min(left, 1 << 16))
        block.withUnsafeMutableBytes { bytes in
            for offset in stride(from: 0, to: bytes.count & ~7, by: 8) {
                bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
            }
        }
        checksum.add(block)
        try file.write(contentsOf: block)
        left -= block.count
    }
    try file.close()
    try await body(path, checksum.value)
}

/// FNV-1a over all bytes: any byte lost, doubled or out of place changes it.
struct Checksum {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ bytes: [UInt8]) {
        var hash = value
        bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        value = hash
    }
}
