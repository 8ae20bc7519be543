import Synchronization

/// Counts the requests that wait and refuses one too many: in all, and of one client.
///
/// A waiting request holds an HTTP connection and nothing else. The limit lies below the number of
/// HTTP connections, so that there is always one left for a request that does not wait.
public final class WaitGate: Sendable {
    public let limit: Int
    private let count = Atomic<Int>(0)
    private let clients = ClientCounts()

    public init(limit: Int) {
        self.limit = limit
    }

    /// Requests waiting now.
    public var waiting: Int { count.load(ordering: .relaxed) }

    /// Runs `body`, which may wait, and counts it as a waiter for as long as it takes. The time it
    /// takes is not counted as time spent on the request.
    func wait<Value>(
        _ body: () async throws(GatewayError) -> Value
    ) async throws(GatewayError) -> Value {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            throw .tooManyWaiters(limit: limit)
        }
        defer { count.subtract(1, ordering: .relaxed) }
        guard let allowance = RequestContext.current?.facts.allowance else {
            return try await WaitMeter.measure(body)
        }
        let limit = allowance.maximumWaiters
        return try await clients.count(
            allowance.keys, limit: limit, otherwise: .access(.tooManyWaiters(limit: limit))
        ) { () async throws(GatewayError) in
            try await WaitMeter.measure(body)
        }
    }
}

/// Adds up how long one request waited for others: peers, clients, timers.
final class WaitMeter: Sendable {
    @TaskLocal static var current: WaitMeter?

    private let waited = Mutex(Duration.zero)

    var total: Duration { waited.withLock { $0 } }

    static func measure<Value, Failure: Error>(
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let meter = current else { return try await body() }
        let start = ContinuousClock.now
        defer { meter.waited.withLock { $0 += ContinuousClock.now - start } }
        return try await body()
    }
}
