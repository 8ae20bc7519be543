import LRP2P

/// Who may use a gateway, and for what. All of it can be exchanged while the gateway runs
/// (``Gateway/Gateway/reload(_:)``).
///
/// The default is what fits a loopback address: every program of this machine may do everything.
public struct AccessConfiguration: Sendable {
    /// With tokens, every request but those for health needs one; `nil` needs none. An empty table
    /// lets nobody in.
    public var tokens: TokenTable?
    /// Requests need a TLS client certificate, which the HTTP server has verified. Alone it allows
    /// everything; with tokens both are needed, and the token says what is allowed.
    public var requiresClientCertificate = false
    /// The peers there may be connections with, in both directions; `nil` for all. An empty set is
    /// nobody.
    public var peers: Set<PeerID>?
    /// Which addresses `POST /v1/connections` may connect to.
    public var dial = DialPolicy()
    /// Further names in `Host`, without a port: see ``AccessPolicy``.
    public var allowedHosts: [String] = []
    /// How much one client may take.
    public var rates = RateLimits()

    public init() {}

    /// Whether strangers who reach an HTTP server at this address are kept out: nobody but programs
    /// of this machine reaches it, or a token or certificate is needed. A server that is not
    /// protected should not be started unless that was asked for by name.
    public func protects(_ http: HostPort) -> Bool {
        http.isLoopback || identifiesClients
    }

    /// Requests say who they are from.
    var identifiesClients: Bool { tokens != nil || requiresClientCertificate }
}

/// How much one client may take. A client is a token or certificate, and besides, an address: an
/// IPv6 one stands for its /64, which is what one host has.
///
/// A loopback address is no client of its own when there are tokens or certificates, because
/// everything a reverse proxy passes on comes from there. Without them it is one for the limits
/// that are set here: the defaults are not for programs of this machine.
public struct RateLimits: Sendable, Equatable {
    /// Requests a second, above 0, that are served in the long run; the others are answered 429.
    /// `nil` for no limit.
    public var requestsPerSecond: Double?
    /// Requests served at once after a pause, 1 or more; `nil` for those of two seconds.
    public var burst: Int?
    /// Wrong tokens a minute from one address that are answered 401; the others get 429. A right
    /// token is served all the same: nobody can lock out others that share an address.
    public var failedAuthenticationsPerMinute = 10
    /// Requests that may wait at one time; a further one is answered 429. `nil` for an eighth of
    /// ``GatewayLimits/maximumWaiters``.
    public var maximumWaitersPerClient: Int?
    /// Uploads at one time; a further one is answered 429. `nil` likewise for that eighth.
    public var maximumUploadsPerClient: Int?

    /// What ``requestsPerSecond`` may be.
    public static let allowedRequestsPerSecond = 0.001...1_000_000.0

    public init() {}

    /// The schedule of requests; `nil` for no limit.
    var requests: ArrivalRate? {
        guard let requestsPerSecond else { return nil }
        let range = Self.allowedRequestsPerSecond
        let rate = min(max(requestsPerSecond, range.lowerBound), range.upperBound)
        return ArrivalRate(
            interval: .seconds(1 / rate), burst: burst ?? max(1, Int((2 * rate).rounded(.up))))
    }

    var failures: ArrivalRate {
        let count = max(1, failedAuthenticationsPerMinute)
        return ArrivalRate(interval: .seconds(60) / count, burst: count)
    }
}
