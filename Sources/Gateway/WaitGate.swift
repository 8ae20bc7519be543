import Synchronization

/// Counts the requests that wait and refuses one too many: in all, and of one client.
///
/// A waiting request holds an HTTP connection and nothing else. The limit lies below the number of
/// HTTP connections, so that there is always one left for a request that does not wait.
public final class WaitGate: Sendable {
    /// Requests that may wait at one time, of all clients.
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
        let ticket = try enter()
        defer { withExtendedLifetime(ticket) {} }
        return try await WaitMeter.measure(body)
    }

    /// Counts the current request as a waiter for as long as the ticket exists.
    func enter() throws(GatewayError) -> WaitTicket {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            throw .tooManyWaiters(limit: limit)
        }
        guard let allowance = RequestContext.current?.facts.allowance else {
            return WaitTicket(gate: self, keys: [])
        }
        guard clients.enter(allowance.keys, limit: allowance.maximumWaiters) else {
            count.subtract(1, ordering: .relaxed)
            throw .access(.tooManyWaiters(limit: allowance.maximumWaiters))
        }
        return WaitTicket(gate: self, keys: allowance.keys)
    }

    fileprivate func leave(_ keys: [ClientKey]) {
        clients.leave(keys)
        count.subtract(1, ordering: .relaxed)
    }
}

/// One waiter's place.
final class WaitTicket: Sendable {
    private let gate: WaitGate
    private let keys: [ClientKey]

    fileprivate init(gate: WaitGate, keys: [ClientKey]) {
        self.gate = gate
        self.keys = keys
    }

    deinit {
        gate.leave(keys)
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
