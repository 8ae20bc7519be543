import Glibc
import LRP2P
import Synchronization

/// Long-polls that wait at one gateway: what they cost, and how fast one of them is answered.
enum HTTPWaiters {
    /// Connections that nothing arrives on, over which the others are spread.
    private static let silentConnections = 8
    private static let messageBytes = 64
    /// Between an answer and the next message: the next poll has to be waiting by then.
    private static let pause = Duration.milliseconds(5)
    /// Not counted: caches are cold.
    private static let warmUp = 20

    struct Result {
        /// Of memory, by which the gateway has grown for each waiter.
        let bytesPerWaiter: Double
        /// While nothing happens but that each of them asks again when its wait is over.
        let percentOfACore: Double
        /// From the peer's write to the answer.
        let microseconds: [Double]
    }

    /// - Parameters:
    ///   - wait: as each of them asks for; they are watched for as long.
    ///   - samples: messages sent one after the other.
    static func measure(count: Int, wait: Duration, samples: Int) async throws -> Result {
        let gateway = try GatewayProcess()
        defer { gateway.end() }
        let client = try HTTPClient(port: gateway.httpPort)
        let peer = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        // An idle connection of the gateway costs something too: that is not a waiter's.
        var paths: [String] = []
        var connections: [PeerConnection] = []
        for _ in 0...silentConnections {
            connections.append(try await peer.connect(to: gateway.udp))
            paths.append(GatewayProcess.data(try gateway.accept(over: client)))
        }
        guard let active = paths.popLast(), let source = connections.last else {
            throw BenchError.noAnswer
        }
        _ = try await roundTrips(client, active, source, count: warmUp)
        let before = gateway.figures
        let crowd = Crowd()
        let (port, seconds, places) = (gateway.httpPort, Int(wait.inSeconds), paths)
        async let waiting: Void = onThread {
            let requests = (0..<(count - 1)).map { index in
                HTTPClient.request(
                    "GET", "\(places[index % places.count])?wait=\(seconds)s", host: "127.0.0.1")
            }
            try crowd.wait(at: port, requests)
        }
        try await waitForPolls(count - 1, client)
        let start = gateway.figures
        try await Task.sleep(for: wait)
        let end = gateway.figures
        let microseconds = try await roundTrips(client, active, source, count: samples)
        crowd.leave()
        try await waiting
        await peer.close()
        let elapsed = Double((end.time - start.time).nanoseconds)
        return Result(
            bytesPerWaiter: (Double(start.residentBytes) - Double(before.residentBytes))
                / Double(count - 1),
            percentOfACore: Double(end.processorNanoseconds - start.processorNanoseconds)
                / elapsed * 100,
            microseconds: microseconds)
    }

    /// Microseconds from each write to its answer.
    private static func roundTrips(
        _ client: HTTPClient, _ path: String, _ source: PeerConnection, count: Int
    ) async throws -> [Double] {
        let message = [UInt8](repeating: 0x5a, count: messageBytes)
        var acknowledge = ""
        var result: [Double] = []
        for _ in 0..<count {
            try client.send("GET", "\(path)?wait=60s\(acknowledge)")
            try await Task.sleep(for: pause)
            let start = ContinuousClock.now
            try await source.write(message)
            let head = try client.readAnswer { _, _ in }
            result.append((ContinuousClock.now - start).inSeconds * 1e6)
            guard head.status == 200, let next = head["Next-Offset"] else {
                throw BenchError.status(head.status, of: "a long-poll")
            }
            acknowledge = "&ack=\(next)"
        }
        let path = path.replacingSuffix("/data", with: "/ack")
        let body = Array("{\"offset\":\"\(acknowledge.dropFirst(5))\"}".utf8)
        let answer = try client.request("POST", path, body: body)
        guard answer.head.status == 200 else {
            throw BenchError.status(answer.head.status, of: "POST \(path)")
        }
        return result
    }

    private static let startLimit = Duration.seconds(60)

    /// Until as many requests wait.
    private static func waitForPolls(_ count: Int, _ client: HTTPClient) async throws {
        let limit = ContinuousClock.now + startLimit
        let line = "\nlrp2p_polls_waiting \(count)\n"
        while true {
            let metrics = try client.request("GET", "/metrics").text
            let sample = metrics.split(separator: "\n").last { $0.hasPrefix("lrp2p_polls_waiting") }
            if let sample, "\n\(sample)\n" == line { return }
            guard ContinuousClock.now < limit else {
                throw BenchError.gatewaySaid("\(sample ?? "no lrp2p_polls_waiting"), not \(count)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Those that only wait.
    private final class Crowd: Sendable {
        private let isOver = Atomic(false)
        private static let turn = Interval.milliseconds(100)

        func leave() { isOver.store(true, ordering: .relaxed) }

        func wait(at port: UInt16, _ requests: [[UInt8]]) throws {
            let load = try HTTPLoad(port: port, requests: requests)
            try load.begin()
            while !isOver.load(ordering: .relaxed) {
                try load.run(until: MonotonicClock.now + Self.turn)
            }
        }
    }
}

extension String {
    /// The same with another end; unchanged when it ends otherwise.
    fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
        hasSuffix(suffix) ? dropLast(suffix.count) + other : self
    }
}
