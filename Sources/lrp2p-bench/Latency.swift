import ArgumentParser
import LRP2P

/// Round trips of a small message between two processes on loopback.
struct Latency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures round trips of 64 bytes between two processes.",
        discussion: """
            Idle, and beside a connection of the same two sockets that sends as much as it can. \
            Beside it stands the round trip of a UDP datagram between two processes that block in \
            the kernel.
            """)

    @OptionGroup var options: RunOptions
    @OptionGroup(title: "Endpoints") var endpoint: EndpointOptions

    @Option(help: "Round trips of a run; one that takes longer than --seconds ends early.")
    var count = 20_000

    func validate() throws {
        guard (1...10_000_000).contains(count) else {
            throw ValidationError("--count: 1 … 10000000")
        }
    }

    private static let shares = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]

    func run() async throws {
        let session = Session("latency", options)
        let figures = try await session.medians("round trips") {
            let raw = Figures(try RawEchoYardstick.microseconds(
                messageBytes: RoundTrips.messageBytes, count: count))
            let (idle, loaded) = try await RoundTrips.measure(
                endpoint, count: count, limit: session.span)
            return [raw, Figures(idle), Figures(loaded)].flatMap { figures in
                Self.shares.map { figures.quantile($0.1) }
            }
        }
        for (index, (name, _)) in Self.shares.enumerated() {
            session.report("yardstick: UDP echo, \(name)", figures[index], .microseconds)
        }
        for (offset, name, target) in [
            (3, "64 B, idle", BenchmarkCase.Target.atMost(3)), (6, "64 B, beside bulk", nil),
        ] {
            for (index, (share, _)) in Self.shares.enumerated() {
                session.report(
                    "\(name), \(share)", figures[offset + index], .microseconds,
                    limit: .init(value: figures[index], name: "UDP echo, \(share)"),
                    target: index == 0 ? target : nil)
            }
        }
    }
}

/// Round trips through the protocol.
enum RoundTrips {
    static let messageBytes = 64
    /// Not counted: the first ones find cold caches, and data held back after the handshake.
    static let warmUp = 100

    /// Microseconds of each round trip, without and with a transfer beside it.
    static func measure(
        _ endpoint: EndpointOptions, count: Int, limit: Duration
    ) async throws -> (idle: [Double], loaded: [Double]) {
        let peer = try PeerProcess(.serve, endpoint)
        defer { peer.end() }
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.endpoint = endpoint.configuration
        let socket = try PeerSocket.listen(on: .loopback(port: 0), configuration: configuration)
        let connection = try await socket.connect(to: peer.address)
        try await connection.write([Service.echo.rawValue])
        let idle = try await measure(connection, count: count, limit: limit)
        let bulk = try await socket.connect(to: peer.address)
        let writer = Task { try await BulkTransfer.write(to: bulk, asking: .discard) }
        let loaded = try await measure(connection, count: count, limit: limit)
        writer.cancel()
        await socket.close()
        return (idle, loaded)
    }

    private static func measure(
        _ connection: PeerConnection, count: Int, limit: Duration
    ) async throws -> [Double] {
        let message = [UInt8](repeating: 0x5a, count: messageBytes)
        var result: [Double] = []
        result.reserveCapacity(count)
        let end = ContinuousClock.now + limit
        for round in -warmUp..<count {
            let start = ContinuousClock.now
            if start > end, round > 0 { break }
            try await connection.write(message)
            var missing = messageBytes
            while missing > 0 { missing -= try await connection.read(maxBytes: missing).count }
            if round >= 0 { result.append((ContinuousClock.now - start).inSeconds * 1e6) }
        }
        return result
    }
}
