import ArgumentParser
import LRP2P

/// Round trips of one byte between two processes on loopback.
struct Latency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures round trips of one byte between two processes on this machine.")

    @Option(help: "Round trips to measure.")
    var count = 10_000

    @Flag(help: "Print one JSON line instead of a table.")
    var json = false

    func validate() throws {
        guard (1...10_000_000).contains(count) else {
            throw ValidationError("--count: 1 … 10000000")
        }
    }

    func run() async throws {
        let peer = try PeerProcess(.echo)
        defer { peer.end() }
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let connection = try await socket.connect(to: peer.address)
        var microseconds: [Double] = []
        microseconds.reserveCapacity(count)
        // The first ones find cold caches and a data hold-back after the handshake.
        for round in -100..<count {
            let start = ContinuousClock.now
            try await connection.write([0])
            _ = try await connection.read(maxBytes: 1)
            if round >= 0 { microseconds.append((ContinuousClock.now - start).inSeconds * 1e6) }
        }
        await socket.close()
        let figures = Figures(microseconds)
        let p50 = fixed(figures.quantile(0.5)), p99 = fixed(figures.quantile(0.99))
        print(json
            ? "{\"benchmark\":\"latency\",\"count\":\(count),"
                + "\"p50_microseconds\":\(p50),\"p99_microseconds\":\(p99)}"
            : "round trip of 1 byte, \(count) times: p50 \(p50) µs, p99 \(p99) µs")
    }
}
