import FoundationEssentials
import LRP2P
import Logging
import Spool
import Synchronization

/// What the resources share.
final class GatewayContext: Sendable {
    let limits: GatewayLimits
    let socket: PeerSocket
    let spool: Spool?
    let events: EventLog
    let registry: ConnectionRegistry
    let waiters: WaitGate
    let uploads = ClientCounts()
    let access: AccessControl
    let audit: AuditLog
    /// Of the HTTP server in front; `nil` where there is none.
    let serverFigures = Mutex<@Sendable () -> HTTPServerFigures?>({ nil })
    let log: Logger
    let startedAt = ContinuousClock.now
    private let phase = Atomic<UInt8>(Phase.serving.rawValue)

    init(configuration: GatewayConfiguration, socket: PeerSocket) {
        limits = configuration.limits
        self.socket = socket
        spool = configuration.spool
        events = EventLog(limits: limits)
        registry = ConnectionRegistry(
            limits: limits, spool: configuration.spool, events: events,
            log: configuration.logger)
        waiters = WaitGate(limit: limits.maximumWaiters)
        access = AccessControl(
            configuration.access, httpHost: configuration.httpHost,
            maximumWaiters: limits.maximumWaiters)
        log = configuration.logger
        audit = AuditLog(configuration.auditLogger)
    }

    /// On the way out, step by step and never back.
    private enum Phase: UInt8 {
        case serving, draining, stopping
    }

    /// The gateway is on its way out: it makes no new connections, and serves those it has.
    var isDraining: Bool { phase.load(ordering: .acquiring) >= Phase.draining.rawValue }

    /// It serves nothing any more.
    var isStopping: Bool { phase.load(ordering: .acquiring) >= Phase.stopping.rawValue }

    func beginDraining() {
        phase.max(Phase.draining.rawValue, ordering: .acquiringAndReleasing)
        registry.refuseInbound()
    }

    func beginStopping() {
        phase.max(Phase.stopping.rawValue, ordering: .acquiringAndReleasing)
    }

    /// Why a task was cancelled: the server cancels one when it stops or when its client leaves.
    var cancellation: GatewayError { isStopping ? .shuttingDown : .clientLeft }

    /// When a wait ends. Up to a twentieth of it is left out at random, so that clients that began
    /// together do not come back together.
    func deadline(after wait: Duration) -> ContinuousClock.Instant {
        .now + wait * Double.random(in: 0.95...1)
    }

    /// Counts an upload of the client, and refuses one too many.
    func upload<Value>(
        _ body: () async throws(GatewayError) -> Value
    ) async throws(GatewayError) -> Value {
        guard let allowance = RequestContext.current?.facts.allowance else {
            return try await body()
        }
        let limit = allowance.maximumUploads
        return try await uploads.count(
            allowance.keys, limit: limit, otherwise: .access(.tooManyUploads(limit: limit)), body)
    }

    func connection(_ parameters: [String: String]) throws(GatewayError) -> RegisteredConnection {
        let connection = try registry.connection(parameters["id"] ?? "")
        RequestContext.current?.note(connection)
        return connection
    }
}
