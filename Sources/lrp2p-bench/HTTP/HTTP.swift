import ArgumentParser
import Glibc
import LRP2P

/// The gateway as its users meet it: by HTTP.
struct HTTP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "Measures the gateway: requests, a large transfer, long-polls.",
        discussion: """
            Starts the executable lrp2p-gateway beside this one. Small requests stand beside a \
            libmicrohttpd that says hello, asked by the same client: one thread with epoll, one \
            request at a time on each kept-alive connection. A large body from one gateway's \
            client to the other's stands beside the transport alone. Where kcptun and nginx are \
            installed, a download of the same size through them is shown too. Waiters are \
            measured once, for one whole wait.
            """)

    @OptionGroup var options: RunOptions

    @Option(help: "MiB of the large transfer.")
    var mebibytes = 2048

    @Option(help: "Long-polls that wait.")
    var waiters = 10_000

    @Option(help: "How long each of them waits before it asks again, in seconds.")
    var wait = 60

    @Option(help: "Parts to measure; all by default.")
    var only: [Part] = Part.allCases

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case requests, transfer, waiters
    }

    /// Waiters that the many are compared with.
    private static let fewWaiters = 100
    private static let samples = 1000

    func validate() throws {
        guard (1...1 << 20).contains(mebibytes) else {
            throw ValidationError("--mebibytes: 1 … 1048576")
        }
        // One eighth of what a gateway admits is never for waiters.
        guard (2...10_000).contains(waiters) else { throw ValidationError("--waiters: 2 … 10000") }
        guard (1...60).contains(wait) else { throw ValidationError("--wait: 1 … 60") }
    }

    func run() async throws {
        raiseOpenFileLimit()
        let session = Session("http", options)
        if only.contains(.requests) { try await measureRequests(session) }
        if only.contains(.transfer) { try await measureTransfer(session) }
        if only.contains(.waiters) { try await measureWaiters(session) }
    }

    private func measureRequests(_ session: Session) async throws {
        let requests = try await HTTPRequests()
        do {
            for kind in HTTPRequests.Kind.allCases {
                for connections in HTTPRequests.connectionCounts {
                    try await measure(session, requests, kind, connections)
                }
            }
        } catch {
            await requests.end()
            throw error
        }
        await requests.end()
    }

    private func measure(
        _ session: Session, _ requests: HTTPRequests, _ kind: HTTPRequests.Kind,
        _ connections: Int
    ) async throws {
        let name = "\(kind.rawValue), \(connections) connection" + (connections == 1 ? "" : "s")
        let figures = try await session.medians(name) {
            let rates = try await onThread {
                try requests.measure(kind, connections: connections, for: session.span / 2)
            }
            return [rates.bare, rates.gateway]
        }
        session.report(
            name, figures[1], .perSecond,
            limit: .init(value: figures[0], name: "bare libmicrohttpd"), target: .atLeast(0.7))
    }

    private func measureTransfer(_ session: Session) async throws {
        let bytes = mebibytes << 20, name = "\(mebibytes) MiB through two gateways"
        let endpoint = try EndpointOptions.parse([])
        let figures = try await session.medians(name) {
            [
                try await BulkTransfer.measure(
                    connections: 1, endpoint, for: session.span
                ).bytesPerSecond / 1e6,
                try await HTTPTransfer.bytesPerSecond(bytes: bytes) / 1e6,
            ]
        }
        session.report(
            name, figures[1], .megabytesPerSecond,
            limit: .init(value: figures[0], name: "the transport alone"), target: .atLeast(0.4))
        guard KcptunYardstick.isAvailable else { return }
        session.progress.show("http: \(mebibytes) MiB through kcptun")
        let rate = try await KcptunYardstick.bytesPerSecond(bytes: bytes)
        session.report(
            "yardstick: the same through kcptun", rate / 1e6, .megabytesPerSecond)
    }

    private func measureWaiters(_ session: Session) async throws {
        var few: Figures?
        for count in [min(Self.fewWaiters, waiters), waiters] {
            session.progress.show("http: \(count) long-polls")
            let result = try await HTTPWaiters.measure(
                count: count, wait: .seconds(wait), samples: Self.samples)
            session.report(
                "memory of each of \(count) waiters", result.bytesPerWaiter, .bytes)
            session.report("processor, \(count) waiting", result.percentOfACore, .percentOfACore)
            let times = Figures(result.microseconds)
            for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
                session.report(
                    "send to answer, \(count) waiting, \(name)", times.quantile(share),
                    .microseconds,
                    limit: few.map {
                        .init(value: $0.quantile(share), name: "\(Self.fewWaiters) waiting")
                    })
            }
            few = times
        }
    }
}

/// As many files as the process may have: a connection is one.
func raiseOpenFileLimit() {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
}
