/// Every limit the gateway itself sets, in one place. What happens at each is in the DocC page.
public struct GatewayLimits: Sendable {
    /// Longest accepted body of a JSON resource, in bytes; a longer one is answered 413.
    public var maximumJSONBodyBytes = 64 << 10
    /// How long the body of a JSON resource may take to arrive; then 408.
    public var maximumJSONBodyTime: Duration = .seconds(10)
    /// Closed connections that stay listed and readable; beyond it the one closed first is removed.
    public var maximumClosedConnections = 256
    /// How long a closed connection stays listed and readable.
    public var closedConnectionRetention: Duration = .seconds(15 * 60)
    /// Inbound connections `GET /v1/accept` remembers; an older `after` is answered 410.
    public var maximumRememberedArrivals = 4096
    /// Events `GET /v1/events` remembers; an older `after` is answered 410.
    public var maximumRememberedEvents = 4096
    /// Least time between two events that tell of data on one connection.
    public var dataEventInterval: Duration = .milliseconds(100)
    /// How often a stream of Server-Sent Events that has nothing to tell says so.
    public var keepAliveInterval: Duration = .seconds(15)
    /// Requests that may wait at one time; a further one is answered 429. Must stay below the
    /// number of HTTP connections, or waiters could lock everyone else out.
    public var maximumWaiters = 3584
    /// Connections, open ones and closed ones with unread bytes in the spool, that there may be;
    /// beyond it none is made or let in.
    public var maximumKeptConnections = 16_384
    /// Readers of one connection; a further one is answered 429.
    public var maximumReaders = 16
    /// How long a reader may be behind another one without acknowledging anything; then it is not
    /// waited for any more and answered 410.
    public var readerTimeout: Duration = .seconds(60)
    /// Connections with time series of their own in `/metrics`.
    public var maximumConnectionSeries = 200

    /// Longest `wait` of a long-poll; a longer one counts as this.
    public var maximumWait: Duration = .seconds(60)
    /// Longest `wait` of `POST /v1/connections`, and what it is when not given: a handshake is
    /// given up after as long.
    public var maximumConnectWait: Duration = .seconds(10)
    /// Longest `drain` of `DELETE /v1/connections/{id}`, and what it is when not given.
    public var maximumDrain: Duration = .seconds(30)
    /// The `drain` that is meant when none is given.
    public var defaultDrain: Duration = .seconds(5)

    /// Most bytes in one answer of `GET …/data`, and how many it is when not given.
    public var maximumDataBytes = 4 << 20
    /// The `max_bytes` that is meant when none is given.
    public var defaultDataBytes = 1 << 20
    /// Most bytes in one piece of `GET …/stream`, and in one of its events before base64.
    public var maximumStreamPieceBytes = 64 << 10
    /// Events in one answer of `GET /v1/events`, and how many it is when not given.
    public var maximumEventPageSize = 1000
    /// The `limit` of events that is meant when none is given.
    public var defaultEventPageSize = 100
    /// Connections in one page of `GET /v1/connections`, and how many it is when not given.
    public var maximumPageSize = 1000
    /// The `limit` of connections that is meant when none is given.
    public var defaultPageSize = 100
    /// Longest `name` of a connection, in bytes of UTF-8.
    public var maximumNameBytes = 64

    public init() {}

    /// Limits that fit a server with this many HTTP connections: one eighth is never for waiters.
    public init(maximumHTTPConnections: Int) {
        maximumWaiters = max(1, maximumHTTPConnections - max(1, maximumHTTPConnections / 8))
    }
}
