import HTTPServer
import HTTPTypes
import LRP2P
import Synchronization

/// Decides over requests, with what was configured last. Safe to use from any task.
///
/// In this order: `Host` and `Origin`; the rate of the client's address; who it is; its scope; the
/// rate of its token. What costs most comes last, and a stranger learns nothing but that it is one.
final class AccessControl: Sendable {
    /// Clients whose rate is remembered, and addresses with wrong tokens; ``ArrivalTable`` says who
    /// is forgotten.
    static let maximumClients = 65_536

    private struct State {
        var configuration: AccessConfiguration
        /// Counts the configurations there have been.
        var generation: UInt64 = 0
        var policy: AccessPolicy
        var httpPort: UInt16?
        var requests = ArrivalTable(limit: AccessControl.maximumClients)
        var failures = ArrivalTable(limit: AccessControl.maximumClients)
    }

    private let state: Mutex<State>
    private let httpHost: String
    private let defaultShare: Int

    init(_ configuration: AccessConfiguration, httpHost: String, maximumWaiters: Int) {
        self.httpHost = httpHost
        defaultShare = max(1, maximumWaiters / 8)
        state = Mutex(
            State(
                configuration: configuration,
                policy: AccessPolicy(host: httpHost, allowedHosts: configuration.allowedHosts)))
    }

    /// From here on the new configuration holds, all of it at once. What clients have used up stays
    /// used up.
    func replace(_ configuration: AccessConfiguration) {
        let policy = AccessPolicy(host: httpHost, allowedHosts: configuration.allowedHosts)
        state.withLock { state in
            state.configuration = configuration
            state.generation += 1
            state.policy = policy
        }
    }

    func setHTTPPort(_ port: UInt16) {
        state.withLock { $0.httpPort = port }
    }

    /// Lets a request pass, and notes who made it.
    func admit(
        _ request: ServerRequest, to access: RouteAccess, _ context: RequestContext,
        now: ContinuousClock.Instant = .now
    ) throws(GatewayError) {
        let (configuration, policy) = state.withLock { ($0.configuration, $0.policy) }
        try policy.check(request.headers, isOpen: access == .open)
        let address = context.address
        let rates = configuration.rates
        // `RateLimits` says what holds for loopback addresses.
        let countsAddress = !address.isLoopback || !configuration.identifiesClients
        if let rate = rates.requests, countsAddress { try take(address.key, rate, now) }

        let principal = try authenticate(request, access, configuration, address, now)
        context.note { $0.principal = principal }
        try check(principal, access)
        let own = principal.key
        if let rate = rates.requests, let own { try take(own, rate, now) }

        let fallback =
            address.isLoopback && !configuration.identifiesClients ? Int.max : defaultShare
        context.note {
            $0.allowance = ClientAllowance(
                keys: [own, countsAddress ? address.key : nil].compactMap(\.self),
                maximumWaiters: rates.maximumWaitersPerClient ?? fallback,
                maximumUploads: rates.maximumUploadsPerClient ?? fallback)
        }
    }

    private func check(
        _ principal: Principal, _ access: RouteAccess
    ) throws(GatewayError) {
        if case .scope(let scope) = access, !principal.scopes.contains(scope) {
            throw .access(.insufficientScope(scope))
        }
    }

    /// A body that goes on for as long as its request would still be let through: a token that is
    /// taken back must not keep what it has begun to read. Each piece is part of the request, with
    /// its context.
    func guarding(
        _ stream: @escaping ServerResponse.BodyStream, of request: ServerRequest,
        to access: RouteAccess, _ context: RequestContext
    ) -> ServerResponse.BodyStream {
        let begun = state.withLock { $0.generation }
        return {
            let piece = try await RequestContext.$current.withValue(context) {
                try await stream()
            }
            let (configuration, generation) = self.state.withLock {
                ($0.configuration, $0.generation)
            }
            guard generation != begun else { return piece }
            let principal = try self.authenticate(
                request, access, configuration, context.address, .now)
            try self.check(principal, access)
            return piece
        }
    }

    private func take(
        _ key: ClientKey, _ rate: ArrivalRate, _ now: ContinuousClock.Instant
    ) throws(GatewayError) {
        if let wait = state.withLock({ $0.requests.arrive(key, rate, now: now) }) {
            throw .access(.rateLimited(wait: wait))
        }
    }

    private func authenticate(
        _ request: ServerRequest, _ access: RouteAccess, _ configuration: AccessConfiguration,
        _ address: ClientAddress, _ now: ContinuousClock.Instant
    ) throws(GatewayError) -> Principal {
        let all = Set(Scope.allCases)
        guard access != .open else {
            return Principal(kind: .address, name: address.host, scopes: [])
        }
        let certificate = request.clientCertificate
        guard certificate != nil || !configuration.requiresClientCertificate else {
            throw .access(.certificateRequired)
        }
        guard let tokens = configuration.tokens else {
            // Without being asked for, a certificate says nothing that was verified.
            guard let certificate, configuration.requiresClientCertificate else {
                return Principal(kind: .address, name: address.host, scopes: all)
            }
            return Principal(kind: .certificate, name: certificate.subject, scopes: all)
        }
        switch try BearerCredentials(request.headers) {
        case .none: throw .access(.tokenRequired)
        case .token(let token):
            if let entry = tokens.entry(for: token) {
                return Principal(kind: .token, name: entry.name, scopes: entry.scopes)
            }
        case .malformed: break
        }
        let rate = configuration.rates.failures
        if let wait = state.withLock({ $0.failures.arrive(address.key, rate, now: now) }) {
            throw .access(.tooManyFailures(wait: wait))
        }
        throw .access(.invalidToken)
    }

    /// Those of the addresses that may be dialled. Never empty.
    func dialable(_ addresses: [SocketAddress]) throws(GatewayError) -> [SocketAddress] {
        let (policy, port) = state.withLock { ($0.configuration.dial, $0.httpPort) }
        var allowed: [SocketAddress] = []
        var refused: AccessError?
        for address in addresses {
            if let refusal = policy.refusal(of: address, httpPort: port) {
                refused = refused ?? .dialNotAllowed(address, refusal)
            } else {
                allowed.append(address)
            }
        }
        if let refused, allowed.isEmpty { throw .access(refused) }
        return allowed
    }
}

extension Principal {
    /// What limits count for besides the address.
    var key: ClientKey? {
        switch kind {
        case .token: .token(name)
        case .certificate: .certificate(name)
        case .address: nil
        }
    }
}
