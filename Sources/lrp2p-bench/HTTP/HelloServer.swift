import CHelloServer
import Glibc
import LRP2P

/// What libmicrohttpd can do: one thread with epoll, one answer for all, made once. It shares
/// nothing with the gateway's own server, which is held against it.
final class HelloServer: PeerPart, @unchecked Sendable {
    let address: SocketAddress
    /// Only used here to end it.
    private let server: OpaquePointer

    init() throws {
        var port: UInt16 = 0
        guard let server = chello_start(&port) else {
            throw BenchError.system(operation: "start of libmicrohttpd", errno: errno)
        }
        self.server = server
        address = .loopback(port: port)
    }

    /// There is nothing to connect to.
    func connect(to address: SocketAddress, count: Int) async throws {}

    func report() async -> PeerReport {
        var report = PeerReport()
        report.process = .now
        return report
    }

    func end() async { chello_stop(server) }
}
