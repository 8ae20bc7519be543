import ArgumentParser
import LRP2P

/// What connections cost that carry nothing.
struct Connections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures memory and processor time of idle connections.",
        discussion: """
            Two new processes open the connections between them and keep them alive. Memory is \
            what has become resident per connection; processor time is taken over one whole \
            keepalive interval, so that every connection has had its turn.
            """)

    @OptionGroup var options: RunOptions

    @Option(help: "Connections.")
    var count = 10_000

    @Option(help: "Keepalive interval.")
    var keepalive = Span(.seconds(20))

    private static let memoryTarget = 12_000.0

    func validate() throws {
        guard (1...16_000).contains(count) else { throw ValidationError("--count: 1 … 16000") }
        guard keepalive.interval > .zero else { throw ValidationError("--keepalive: above 0") }
    }

    func run() async throws {
        let session = Session("connections", options)
        let figures = try await session.medians("\(count) idle connections") { try await measure() }
        for (side, index) in [("initiator", 0), ("responder", 1)] {
            session.report(
                "memory of each of \(count), \(side)", figures[index], .bytes,
                limit: .init(value: Self.memoryTarget, name: "allowed"), target: .atMost(1))
            session.report(
                "processor, \(count) with keepalive, \(side)", figures[2 + index],
                .percentOfACore, limit: .init(value: 1, name: "allowed"), target: .atMost(1))
        }
        session.report("opening \(count), connections", figures[4], .perSecond)
    }

    /// Bytes per connection of both sides, percent of a core of both sides, connections per second.
    private func measure() async throws -> [Double] {
        let endpoint = try EndpointOptions.parse(["--keepalive", keepalive.description])
        let responder = try PeerProcess(.hold, endpoint)
        defer { responder.end() }
        let initiator = try PeerProcess(.hold, endpoint)
        defer { initiator.end() }
        let sides = [initiator, responder]
        let before = try sides.map { try $0.report() }
        let connected = try initiator.request(.connect(to: responder.address, count: count))
        // Handshakes leave something to do behind: what is sent once more, what is probed.
        try await Task.sleep(for: .seconds(2))
        let start = try sides.map { try $0.report() }
        try await Task.sleep(for: Duration(keepalive.interval))
        let end = try sides.map { try $0.report() }
        for side in end where side.connections < UInt64(count) {
            throw BenchError.connectionsLost(UInt64(count) - side.connections)
        }
        let memory = zip(before, start).map {
            (Double($1.process.residentBytes) - Double($0.process.residentBytes)) / Double(count)
        }
        let processor = zip(start, end).map { start, end in
            Double(end.process.processorNanoseconds - start.process.processorNanoseconds)
                / Double((end.process.time - start.process.time).nanoseconds) * 100
        }
        let opening = (connected.process.time - before[0].process.time).inSeconds
        return memory + processor + [Double(count) / opening]
    }
}
