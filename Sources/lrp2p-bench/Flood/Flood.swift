import ArgumentParser
import LRP2P

/// A transfer beside a flood of handshakes.
struct Flood: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures one connection while strangers begin handshakes.",
        discussion: """
            First messages of handshakes come from many addresses at the socket that receives. \
            The flood takes part of the machine itself, and so does what the kernel does for it: \
            the same datagrams are sent to a socket that drops them first. What the protocol adds \
            is the difference.
            """)

    @OptionGroup var options: RunOptions

    @Option(help: "Addresses that they come from.")
    var sources = 10_000

    @Option(help: "First messages in a second.")
    var rate = 10_000

    func validate() throws {
        guard (1...16_000).contains(sources) else {
            throw ValidationError("--sources: 1 … 16000")
        }
        guard (1...1_000_000).contains(rate) else { throw ValidationError("--rate: 1 … 1000000") }
    }

    func run() async throws {
        raiseOpenFileLimit()
        let session = Session("flood", options)
        let figures = try await session.medians("one connection") { try await measure(session) }
        session.report("one connection, alone", figures[0], .megabytesPerSecond)
        let alone = BenchmarkCase.Limit(value: figures[0], name: "alone")
        session.report(
            "yardstick: the flood elsewhere", figures[1], .megabytesPerSecond, limit: alone)
        session.report(
            "\(rate) handshakes/s of \(sources) hosts", figures[2], .megabytesPerSecond,
            limit: alone, target: .atLeast(0.8))
        session.report("first messages sent", figures[3], .perSecond)
    }

    private func measure(_ session: Session) async throws -> [Double] {
        let peer = try PeerProcess(.serve)
        defer { peer.end() }
        let sink = try PeerProcess(.udpSink)
        defer { sink.end() }
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let connection = try await socket.connect(to: peer.address)
        let writer = Task { try await BulkTransfer.write(to: connection, asking: .discard) }
        try await Task.sleep(for: Self.warmUp)
        let alone = try await rate(of: peer, for: session.span)
        let (elsewhere, _) = try await flooded(sink.address) {
            try await rate(of: peer, for: session.span)
        }
        let (beside, sent) = try await flooded(peer.address) {
            try await rate(of: peer, for: session.span)
        }
        writer.cancel()
        await socket.close()
        return [alone / 1e6, elsewhere / 1e6, beside / 1e6, sent]
    }

    /// Until slow start is over, and until the tables of handshakes are full.
    private static let warmUp = Duration.milliseconds(500)

    private func rate(of peer: PeerProcess, for span: Duration) async throws -> Double {
        let before = try peer.report()
        try await Task.sleep(for: span)
        return try peer.report().bytesPerSecond(since: before)
    }

    /// Also returns how many were sent in a second.
    private func flooded(
        _ target: SocketAddress, _ body: () async throws -> Double
    ) async throws -> (result: Double, sent: Double) {
        let flood = try HandshakeFlood(sources: sources, target: target)
        let rate = rate
        async let end: Void = onThread { flood.run(perSecond: rate) }
        try await Task.sleep(for: Self.warmUp)
        let start = ContinuousClock.now, before = flood.count
        defer { flood.stop() }
        let result = try await body()
        let sent = Double(flood.count - before) / (ContinuousClock.now - start).inSeconds
        flood.stop()
        try await end
        return (result, sent)
    }
}
