import LRP2P
import Synchronization
import Threads

/// The second process with a plain UDP socket.
final class YardstickPart: PeerPart {
    private let socket: PlainUDPSocket
    private let bytes = ByteCounter()

    /// - Parameter receive: runs on a thread of its own until the process ends.
    init(receivingWith receive: @escaping @Sendable (PlainUDPSocket, ByteCounter) -> Void) throws {
        socket = try PlainUDPSocket()
        let status = BackgroundThread.start(name: "yardstick") { [socket, bytes] in
            receive(socket, bytes)
        }
        guard status == 0 else {
            throw BenchError.system(operation: "pthread_create", errno: status)
        }
    }

    var address: SocketAddress { .loopback(port: socket.port) }

    /// There is nothing to connect to.
    func connect(to address: SocketAddress, count: Int) async throws {}

    func report() async -> PeerReport {
        var report = PeerReport()
        report.bytes = bytes.value
        report.process = .now
        return report
    }

    func end() async {}
}

/// Counts on one thread, read on another.
final class ByteCounter: Sendable {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) {
        count.add(UInt64(bytes), ordering: .relaxed)
    }
}
