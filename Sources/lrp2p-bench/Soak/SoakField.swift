import LRP2P
import LRP2PSimulation
import Synchronization

/// The gateways of a soak, and what has happened to them.
///
/// A and B stay, and are what is looked at; C comes back under its old address each time.
final class SoakField: Sendable {
    enum Node: Sendable { case a, b, c }

    struct Tally: Sendable {
        var transfers = 0
        var bytes = 0
        /// Transfers that ended because C did.
        var interrupted = 0
        var clientsCutOff = 0
        var restarts = 0
        /// What should not have happened, the first few of them.
        var failures: [String] = []
    }

    /// In a minute: as much as anyone will read.
    private static let maximumFailures = 20

    let receivers: [Node] = [.a, .b, .c]
    let pattern = Pattern(seed: 1)
    private let a: GatewayProcess
    private let b: GatewayProcess
    private let c: Mutex<GatewayProcess>
    /// In front of B.
    private let link: RunningRelay
    private let tally = Mutex(Tally())

    init(_ options: [String], seed: UInt64) throws {
        let a = try GatewayProcess(options), b = try GatewayProcess(options)
        (self.a, self.b) = (a, b)
        c = Mutex(try GatewayProcess(options))
        var conditions = LinkConditions()
        conditions.loss = .independent(0.01)
        conditions.duplication = 0.01
        conditions.delay = .milliseconds(5)
        conditions.jitter = .milliseconds(2)
        link = try RunningRelay(
            listen: .loopback(port: 0), target: b.udp, conditions: conditions, seed: seed)
    }

    func gateway(_ node: Node) -> GatewayProcess {
        switch node {
        case .a: a
        case .b: b
        case .c: c.withLock { $0 }
        }
    }

    /// Where a node is reached, B through its link as well.
    func address(of node: Node, throughLink: Bool) -> SocketAddress {
        throughLink && node == .b ? link.address : gateway(node).udp
    }

    func count(_ change: @Sendable (inout Tally) -> Void) { tally.withLock { change(&$0) } }

    /// Says it at once, too: a soak is long.
    func fail(_ what: String) {
        let isShown = tally.withLock { tally in
            guard tally.failures.count < Self.maximumFailures else { return false }
            tally.failures.append(what)
            return true
        }
        if isShown { print("FAILED: \(what)") }
    }

    // MARK: Faults

    func restart(byKilling: Bool) async {
        let old = gateway(.c)
        do {
            let next = try await onThread {
                if byKilling { old.kill() } else { old.end() }
                return try GatewayProcess(after: old)
            }
            c.withLock { $0 = next }
            count { $0.restarts += 1 }
        } catch {
            fail("restart of C: \(error)")
        }
    }

    func end() async {
        _ = await link.stop()
        a.end()
        b.end()
        c.withLock { $0.end() }
    }

    // MARK: Stock

    struct Stock: Sendable {
        let minute: Int
        let tally: Tally
        let residentBytes: [Double]
        let openFiles: [Int]
    }

    /// How long the last connections may take to go away, and between two looks.
    private static let quietLimit = Duration.seconds(30)
    private static let pause = Duration.milliseconds(100)

    /// What there is when nothing is under way. Connections whose end was lost are deleted.
    func takeStock(minute: Int) async -> Stock {
        let nodes = [a, b]
        for (node, name) in zip(nodes, ["A", "B"]) {
            do {
                try await makeQuiet(node)
            } catch {
                fail("stock of \(name), pid \(node.pid): \(error)")
            }
        }
        let taken = tally.withLock { tally in
            defer { tally = Tally() }
            return tally
        }
        return Stock(
            minute: minute, tally: taken,
            residentBytes: nodes.map { Double($0.figures.residentBytes) },
            openFiles: nodes.map(\.openFiles))
    }

    private func makeQuiet(_ node: GatewayProcess) async throws {
        try await onThread {
            let client = try HTTPClient(port: node.httpPort)
            while true {
                let list = try client.request("GET", "/v1/connections?limit=1000").text
                let ids = JSONText.strings("id", in: list)
                if ids.isEmpty { break }
                for id in ids {
                    _ = try client.request("DELETE", "/v1/connections/\(id)?abort=true")
                }
            }
        }
        // Until the files of closed HTTP connections are closed too.
        let limit = ContinuousClock.now + Self.quietLimit
        var last = -1, repetitions = 0
        while repetitions < 5, ContinuousClock.now < limit {
            try await Task.sleep(for: Self.pause)
            let now = node.openFiles
            repetitions = now == last ? repetitions + 1 : 0
            last = now
        }
    }
}
