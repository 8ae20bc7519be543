import ArgumentParser
import Glibc
import LRP2P

/// Connections per second that are opened and closed again.
struct Handshakes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures handshakes per second between two processes.",
        discussion: """
            Beside it stands what the X25519 operations of a handshake allow, measured in the same \
            run on one core: one key generation and three key agreements on each side. The sides \
            work at the same time where there are two cores; the bound is halved on one.
            """)

    @OptionGroup var options: RunOptions

    @Option(help: "Handshakes under way at the same time.")
    var parallel = 32

    func validate() throws {
        // Of one host a socket admits 64 unfinished ones.
        guard (1...64).contains(parallel) else { throw ValidationError("--parallel: 1 … 64") }
    }

    func run() async throws {
        let session = Session("handshakes", options)
        let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let figures = try await session.medians("handshakes") {
            let yardstick = try KeyAgreementYardstick.measure(for: session.span / 4)
            return [
                yardstick.keyGenerations, yardstick.keyAgreements,
                yardstick.handshakesPerSecond(cores: cores),
                try await measure(for: session.span),
            ]
        }
        session.report("yardstick: X25519 key generations", figures[0], .perSecond)
        session.report("yardstick: X25519 key agreements", figures[1], .perSecond)
        session.report(
            "handshakes, \(parallel) at a time", figures[3], .perSecond,
            limit: .init(value: figures[2], name: "X25519, \(min(2, cores)) cores"),
            target: .atLeast(0.4))
    }

    private func measure(for span: Duration) async throws -> Double {
        let peer = try PeerProcess(.end)
        defer { peer.end() }
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let start = ContinuousClock.now, end = start + span
        let address = peer.address
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<parallel {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await socket.connect(to: address).close()
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = (ContinuousClock.now - start).inSeconds
        await socket.close()
        return Double(count) / elapsed
    }
}
