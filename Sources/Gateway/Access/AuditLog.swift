import HTTPServer
import HTTPTypes
import LRP2P
import Logging
import Synchronization

/// The record of who changed what: one line, "audit", for every request that could change something
/// and was let through or refused, and for every peer that was kept out or sent away.
///
/// Reading is no change, acknowledging with it neither. Requests beyond a rate leave no line, and
/// refusals only so many: strangers must not be able to fill a disk.
final class AuditLog: Sendable {
    /// Lines about refusals, and about peers kept out; `suppressed` says how many there were more.
    static let refusalRate = ArrivalRate(interval: .milliseconds(200), burst: 100)
    static let peerRate = ArrivalRate(interval: .seconds(1), burst: 20)

    private let log: Logger
    private let refusals = Mutex(LogAllowance(AuditLog.refusalRate))
    private let peers = Mutex(LogAllowance(AuditLog.peerRate))

    init(_ log: Logger) {
        self.log = log
    }

    func record(
        method: HTTPRequest.Method, route: String, status: Int, _ context: RequestContext,
        now: ContinuousClock.Instant = .now
    ) {
        guard method != .get, method != .head else { return }
        let facts = context.facts
        var metadata: Logger.Metadata = [
            "method": "\(method.rawValue)", "route": "\(route)", "status": "\(status)",
            "request_id": "\(context.id)", "address": "\(context.address.host)",
        ]
        if facts.hasReachedHandler {
            metadata["outcome"] = status < 400 ? "done" : "failed"
        } else {
            guard facts.isRefused else { return }
            guard let suppressed = refusals.withLock({ $0.line(now: now) }) else { return }
            metadata["outcome"] = "refused"
            if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
        }
        if let principal = facts.principal {
            metadata["by"] = "\(principal.kind.rawValue)"
            metadata["who"] = "\(principal.name)"
        }
        if let code = facts.code { metadata["code"] = "\(code)" }
        if let connection = facts.connection { metadata["connection"] = "\(connection)" }
        if let peer = facts.peer { metadata["peer"] = "\(peer)" }
        if let target = facts.target { metadata["target"] = "\(target)" }
        log.notice("audit", metadata: metadata)
    }

    /// A peer wanted to connect that may not. Called on a network thread, which must not wait for a
    /// log.
    func peerRefused(
        _ peer: PeerID, at address: SocketAddress, now: ContinuousClock.Instant = .now
    ) {
        guard let suppressed = peers.withLock({ $0.line(now: now) }) else { return }
        Task { [log] in
            var metadata: Logger.Metadata = [
                "outcome": "peer_refused", "peer": "\(peer)", "address": "\(address)",
            ]
            if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
            log.notice("audit", metadata: metadata)
        }
    }

    /// A connection was closed because its peer may not be connected any more.
    func peerClosed(_ connection: RegisteredConnection) {
        log.notice(
            "audit",
            metadata: [
                "outcome": "peer_closed", "peer": "\(connection.peer)",
                "connection": "\(connection.id)",
                "address": "\(connection.remoteAddress)",
            ])
    }
}
