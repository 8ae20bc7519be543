import LRP2P
import Synchronization

/// The second process with a socket of the protocol.
final class SocketPart: PeerPart {
    /// Handshakes at a time: below what a socket admits from one host.
    static let concurrentConnects = 32
    /// Bytes taken from a connection at once, or given to it.
    static let chunkBytes = 256 * 1024

    private let socket: PeerSocket
    private let bytes = Atomic<UInt64>(0)
    /// Those that nobody reads from.
    private let held = Mutex<[PeerConnection]>([])

    init(_ mode: Peer.Mode, _ configuration: EndpointConfiguration) async throws {
        var options = PeerSocketConfiguration(identity: Identity())
        options.endpoint = configuration
        socket = try PeerSocket.listen(on: .loopback(port: 0), configuration: options)
        socket.onInbound { [unowned self] connection in
            switch mode {
            case .hold: held.withLock { $0.append(connection) }
            case .end: connection.close()
            case .serve, .udpSink, .blastSink, .udpEcho, .httpHello:
                Task { await self.serve(connection) }
            }
        }
    }

    var address: SocketAddress { socket.localAddress }

    func connect(to address: SocketAddress, count: Int) async throws {
        try await withThrowingTaskGroup(of: PeerConnection.self) { group in
            for index in 0..<count {
                if index >= Self.concurrentConnects, let connection = try await group.next() {
                    held.withLock { $0.append(connection) }
                }
                group.addTask { [socket] in try await socket.connect(to: address) }
            }
            for try await connection in group { held.withLock { $0.append(connection) } }
        }
    }

    func report() async -> PeerReport {
        var report = PeerReport()
        let statistics = socket.statistics
        report.bytes = bytes.load(ordering: .relaxed)
        report.connections = held.withLock { UInt64($0.count { $0.closeReason == nil }) }
        report.packetsSent = statistics.packetsSent
        report.packetsReceived = statistics.packetsReceived
        report.process = .now
        return report
    }

    func end() async {
        await socket.close()
    }

    private func serve(_ connection: PeerConnection) async {
        guard let first = try? await connection.read(maxBytes: 1),
            let service = Service(rawValue: first[0])
        else { return connection.close() }
        switch service {
        case .discard:
            while let chunk = try? await connection.read(maxBytes: Self.chunkBytes) {
                bytes.add(UInt64(chunk.count), ordering: .relaxed)
            }
        case .echo:
            while let chunk = try? await connection.read(maxBytes: Self.chunkBytes) {
                guard (try? await connection.write(chunk)) != nil else { return }
            }
        case .source:
            let chunk = [UInt8](repeating: 0x5a, count: Self.chunkBytes)
            while (try? await connection.write(chunk)) != nil {}
        }
    }
}
