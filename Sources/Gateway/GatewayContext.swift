import FoundationEssentials
import LRP2P
import Logging
import Synchronization

/// What the resources share.
final class GatewayContext: Sendable {
    let limits: GatewayLimits
    let socket: PeerSocket
    let registry: ConnectionRegistry
    let waiters: WaitGate
    let uploads = ClientCounts()
    let access: AccessControl
    let audit: AuditLog
    let log: Logger
    let startedAt = ContinuousClock.now
    private let draining = Atomic<Bool>(false)

    init(configuration: GatewayConfiguration, socket: PeerSocket) {
        limits = configuration.limits
        self.socket = socket
        registry = ConnectionRegistry(limits: limits, log: configuration.logger)
        waiters = WaitGate(limit: limits.maximumWaiters)
        access = AccessControl(
            configuration.access, httpHost: configuration.httpHost,
            maximumWaiters: limits.maximumWaiters)
        log = configuration.logger
        audit = AuditLog(configuration.auditLogger)
    }

    /// The gateway is on its way out and takes nothing new.
    var isDraining: Bool { draining.load(ordering: .acquiring) }

    func beginDraining() {
        draining.store(true, ordering: .releasing)
    }

    /// Why a task was cancelled: the server cancels one when it stops or when its client leaves.
    var cancellation: GatewayError { isDraining ? .shuttingDown : .clientLeft }

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
