import FoundationEssentials
import LRP2P
import Logging
import Spool
import Synchronization

/// The connections of this gateway, by the ids it gave them: the open ones, and for a while the
/// closed ones, because what they received can still be read.
///
/// Safe to use from any thread; the network thread adds inbound connections and never waits here.
final class ConnectionRegistry: Sendable {
    struct Totals: Sendable {
        var opened: [ConnectionDirection: UInt64] = [:]
        var closed: [CloseReason: UInt64] = [:]
    }

    private struct State {
        var table: ConnectionTable<RegisteredConnection>
        var arrivals: ArrivalList
        var totals = Totals()
    }

    /// Of the cursors of `accept`, and of those of the pages: what one means must not be taken for
    /// the other.
    let arrivalEpoch = Epoch.random()
    let pageEpoch = Epoch.random()
    private let state: Mutex<State>
    let arrivalWaiters = WaitList()
    private let closings = WaitList()
    private let refusesInbound = Atomic<Bool>(false)
    private let limits: GatewayLimits
    private let spool: Spool?
    private let events: EventLog
    private let log: Logger

    init(limits: GatewayLimits, spool: Spool?, events: EventLog, log: Logger) {
        state = Mutex(
            State(
                table: ConnectionTable(
                    maximumClosed: limits.maximumClosedConnections,
                    retention: limits.closedConnectionRetention,
                    isKept: { $0.inbox.hasUnread }),
                arrivals: ArrivalList(limit: limits.maximumRememberedArrivals)))
        self.limits = limits
        self.spool = spool
        self.events = events
        self.log = log
        restore()
    }

    /// Connections of a process before, with what their peers had been told has arrived.
    private func restore() {
        guard let spool else { return }
        for stored in spool.found {
            guard
                let connection = RegisteredConnection(stored, spool: spool, limits: limits)
            else {
                log.error(
                    "cannot read a connection in the spool",
                    metadata: ["connection": "\(stored.name)"])
                continue
            }
            state.withLock { state in
                guard state.table.insert(connection, id: connection.id) else { return }
                _ = state.table.markClosed(id: connection.id, now: .now)
            }
            let range = stored.range
            log.info(
                "connection restored",
                metadata: [
                    "connection": "\(connection.id)", "peer": "\(connection.peer)",
                    "received": "\(range.upperBound)", "unread": "\(range.count)",
                ])
        }
    }

    /// Whether there are as many connections as there may be.
    var isFull: Bool {
        state.withLock { $0.table.count } >= limits.maximumKeptConnections
    }

    var all: [RegisteredConnection] { state.withLock { $0.table.all.map(\.entry) } }
    var totals: Totals { state.withLock { $0.totals } }
    var counts: (open: Int, closed: Int) {
        state.withLock { ($0.table.openCount, $0.table.closedCount) }
    }

    /// An inbound connection: one more, or, after ``refuseInbound()``, none. Its peer is told at
    /// once then, so that it can go elsewhere.
    func admit(_ transport: PeerConnection) {
        if refusesInbound.load(ordering: .acquiring) || isFull { return transport.close() }
        add(transport)
    }

    func refuseInbound() {
        refusesInbound.store(true, ordering: .releasing)
    }

    /// Returns once no connection is open, at the deadline, or when the task is cancelled.
    func waitUntilNoneOpen(deadline: ContinuousClock.Instant) async {
        while !Task.isCancelled, ContinuousClock.now < deadline {
            let generation = closings.generation
            if counts.open == 0 { return }
            await closings.wait(whileGeneration: generation, deadline: deadline)
        }
    }

    /// Gives a connection an id and watches it until it is closed.
    @discardableResult
    func add(_ transport: PeerConnection, name: String? = nil) -> RegisteredConnection {
        var connection: RegisteredConnection
        repeat {
            connection = RegisteredConnection(
                id: ConnectionID.random(), name: name, transport: transport, spool: spool,
                limits: limits)
        } while !insert(connection)
        if connection.direction == .inbound { arrivalWaiters.wakeAll() }
        let log = self.log.ofRequest
        if spool != nil { connection.startKeeping(log: self.log) }
        let following = Task { [connection, events] in
            await events.follow(connection, transport)
        }
        Task { [connection] in
            // Here, because writing a log can block, and the caller may be the network thread.
            log.info(
                "connection opened",
                metadata: [
                    "connection": "\(connection.id)", "direction": "\(connection.direction)",
                    "peer": "\(connection.peer)", "address": "\(transport.remoteAddress)",
                ])
            if let reason = await transport.waitUntilClosed() {
                self.noteClosed(connection, reason)
                await following.value
                self.events.tellEnd(of: connection, transport)
            }
        }
        return connection
    }

    private func insert(_ connection: RegisteredConnection) -> Bool {
        state.withLock { state in
            guard state.table.insert(connection, id: connection.id) else { return false }
            state.totals.opened[connection.direction, default: 0] += 1
            if connection.direction == .inbound { state.arrivals.append(connection.id) }
            return true
        }
    }

    /// Idempotent: the connection's watcher and whoever closed it both call it.
    func noteClosed(_ connection: RegisteredConnection, _ reason: CloseReason) {
        connection.setClosedAt(Date())
        let isNews = state.withLock { state in
            guard state.table.markClosed(id: connection.id, now: .now) else { return false }
            state.totals.closed[reason, default: 0] += 1
            return true
        }
        guard isNews else { return }
        removeExpired()
        closings.wakeAll()
        log.info(
            "connection closed",
            metadata: ["connection": "\(connection.id)", "reason": "\(reason.rawValue)"])
    }

    func connection(_ id: String) throws(GatewayError) -> RegisteredConnection {
        guard let slot = state.withLock({ $0.table[id] }) else {
            throw .missing(.connection(id: id))
        }
        return slot.entry
    }

    func rename(_ connection: RegisteredConnection, to name: String) {
        connection.rename(name, log: log)
    }

    func remove(_ connection: RegisteredConnection) {
        state.withLock { $0.table.remove(id: connection.id) }
        connection.inbox.forget()
    }

    func removeExpired(now: ContinuousClock.Instant = .now) {
        for connection in state.withLock({ $0.table.removeExpired(now: now) }) {
            connection.inbox.forget()
        }
    }

    /// Lets go of readers that hold others back.
    func expireReaders() {
        for connection in all {
            for reader in connection.inbox.expireReaders() {
                log.notice(
                    "reader expired: it was behind for too long",
                    metadata: ["connection": "\(connection.id)", "reader": "\(reader)"])
            }
        }
    }

    func lookUpArrival(
        _ choice: ArrivalChoice, from peer: String?
    ) -> (ArrivalList.Lookup, RegisteredConnection?) {
        state.withLock { state in
            let table = state.table
            let isWanted = { (id: String) in
                table[id].map { peer == nil || $0.entry.peer == peer } ?? false
            }
            let lookup =
                switch choice {
                case .from(let position): state.arrivals.next(from: position, where: isWanted)
                case .take: state.arrivals.takeNext(where: isWanted)
                case .peek: state.arrivals.peekNext(where: isWanted)
                }
            guard case .found(let id, _) = lookup else { return (lookup, nil) }
            return (lookup, table[id]?.entry)
        }
    }

    func page(
        from sequence: UInt64, limit: Int,
        where matches: @Sendable (RegisteredConnection) -> Bool
    ) -> (connections: [RegisteredConnection], next: UInt64?) {
        state.withLock { state in
            let page = state.table.page(from: sequence, limit: limit) { matches($0.entry) }
            return (page.slots.map(\.entry), page.next)
        }
    }
}

/// The names connections have in paths and metrics.
enum ConnectionID {
    /// `c` and 60 random bits in base32 (RFC 4648 §6), lowercase: short, and not to be guessed.
    static func random() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        return "c" + String((0..<12).map { _ in alphabet[.random(in: 0..<32)] })
    }
}
