import ArgumentParser
import LRP2P

/// Bytes per second of one connection between two processes on loopback.
struct Throughput: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures one connection between two processes on this machine.",
        discussion: """
            Sends for a while, waits until the peer has acknowledged everything, and divides. \
            Beside it stands what libsodium's ChaCha20-Poly1305 does on packets of the same size in the \
            same run, encrypting and decrypting on one core.
            """)

    /// Application bytes of a full data segment.
    private static let packetBytes = 1330

    @Option(help: "Seconds per run.")
    var seconds = 3.0

    @Option(help: "Runs, of which the median counts.")
    var runs = 5

    @Flag(help: "Print one JSON line instead of a table.")
    var json = false

    @Flag(help: "Go through a relay with the conditions below, in the sending process.")
    var throughLink = false

    @OptionGroup(title: "Link") var link: LinkOptions

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds: 0 … 3600") }
        guard (1...1000).contains(runs) else { throw ValidationError("--runs: 1 … 1000") }
    }

    func run() async throws {
        var transport: [Double] = [], cipher: [Double] = []
        if !json { print(" run      MB/s  cipher MB/s  ratio  resent") }
        for run in 1...runs {
            let (rate, statistics) = try await measure()
            transport.append(rate)
            cipher.append(CipherYardstick.bytesPerSecond(
                packetBytes: Throughput.packetBytes, for: .milliseconds(300)))
            if !json {
                print(row("\(run)", rate, cipher[run - 1], "\(statistics.retransmissions)"))
            }
        }
        let rate = Figures(transport).median, reference = Figures(cipher).median
        if json {
            print("""
                {"benchmark":"throughput","packet_bytes":\(Throughput.packetBytes),\
                "runs":\(runs),"seconds":\(seconds),"megabytes_per_second":\(fixed(rate / 1e6, 2)),\
                "cipher_megabytes_per_second":\(fixed(reference / 1e6, 2)),\
                "ratio":\(fixed(rate / reference, 4))}
                """)
        } else {
            print(row("med", rate, reference, ""))
        }
    }

    private func row(_ name: String, _ rate: Double, _ cipher: Double, _ resent: String) -> String {
        [
            padded(name, 4), padded(fixed(rate / 1e6), 9), padded(fixed(cipher / 1e6), 12),
            padded(fixed(rate / cipher, 3), 6), padded(resent, 7),
        ].joined(separator: " ")
    }

    private func measure() async throws -> (bytesPerSecond: Double, ConnectionStatistics) {
        let peer = try PeerProcess(.discard)
        defer { peer.end() }
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let relay = throughLink
            ? try RunningRelay(
                listen: .loopback(port: 0), target: peer.address, conditions: link.conditions,
                seed: link.seed) : nil
        let connection = try await socket.connect(to: relay?.address ?? peer.address)
        let chunk = [UInt8](repeating: 0x5a, count: 256 * 1024)
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        while ContinuousClock.now < end { try await connection.write(chunk) }
        try await connection.drain()
        let elapsed = (ContinuousClock.now - start).inSeconds
        let bytes = connection.sendRange.upperBound
        await socket.close()
        _ = await relay?.stop()
        return (Double(bytes) / elapsed, connection.statistics)
    }
}
