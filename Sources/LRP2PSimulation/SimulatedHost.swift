import LRP2PCore
import Sodium

/// One host of a history: the core's endpoint, and the loop that a socket runs around it, in
/// virtual time.
final class SimulatedHost {
    /// Rounds of sending, events and applications at one instant, at most: more is a livelock.
    static let maximumRoundsPerInstant = 20_000

    let index: Int
    let address: SocketAddress
    private(set) var endpoint: Endpoint
    let configuration: EndpointConfiguration
    private(set) var connections: [SimulatedConnection] = []
    var datagramsSent = 0
    /// By the core's number of a connection. A new endpoint counts from the start again.
    private(set) var byID: [UInt64: Int] = [:]
    private(set) var byWireID: [UInt64: Int] = [:]
    let history: HistoryContext
    private var inbound: [UInt8] = []
    /// How far the host's clock is ahead of the network's.
    private(set) var clockOffset = Interval.zero
    private(set) var isGone = false
    private var incarnation = 0
    private var addressChanges: UInt16 = 0
    /// The longest datagram of each connection id at the last instant at which one arrived.
    private(set) var arrivals: [UInt64: Arrivals] = [:]

    struct Arrivals {
        var time: Instant
        var longest: Int
    }

    init(index: Int, configuration: EndpointConfiguration, history: HistoryContext) {
        self.index = index
        self.configuration = configuration
        self.history = history
        address = Self.address(of: index)
        endpoint = Self.makeEndpoint(
            configuration, seed: history.scenario.seed, name: "\(index)", incarnation: 0)
    }

    private static func makeEndpoint(
        _ configuration: EndpointConfiguration, seed: UInt64, name: String, incarnation: Int
    ) -> Endpoint {
        var keyRandom = SeededRandom(seed: seed, stream: "key " + name)
        let key = SecretBytes(count: 32) { keyRandom.fill($0) }
        // Of its own: what other histories use at the same time must not change this one.
        var configuration = configuration
        configuration.memoryBudget = MemoryBudget(limit: 256 << 20)
        let stream = "host " + name + (incarnation == 0 ? "" : " again \(incarnation)")
        var random = SeededRandom(seed: seed, stream: stream)
        return Endpoint(configuration: configuration, staticPrivateKey: key) {
            random.fill($0)
        }
    }

    static func address(of index: Int) -> SocketAddress {
        // 10.0.0.0/8, one host address each: limits count per host address.
        SocketAddress(ipv4: 0x0a00_0001 + UInt32(index), port: 3030)
    }

    static func index(of address: SocketAddress) -> Int {
        Int(address.low) - 0x0a00_0001
    }

    /// On the host's clock.
    var now: Instant { history.network.now + clockOffset }

    /// When this host has to run, on the network's clock; `nil` when only a datagram can wake it.
    var nextWake: Instant? {
        guard !isGone else { return nil }
        var wake = endpoint.nextDeadline(now: now)
        for connection in connections {
            if let next = connection.nextWake { wake = min(wake ?? next, next) }
        }
        return wake.flatMap { $0 == .distantFuture ? nil : $0 + (.zero - clockOffset) }
    }

    func disturb(_ effect: Disturbance.Effect) throws(InvariantViolation) {
        guard !isGone else { return }
        history.record(.disturbed(host: index, effect), words: UInt64(index), UInt64(incarnation))
        switch effect {
        case .newAddress(let isNewHost, let grace):
            addressChanges += 1
            let host = UInt32(0x0a00_0001 + index)
                + (isNewHost ? 0x0001_0000 * UInt32(addressChanges) : 0)
            history.network.rebind(
                address, to: SocketAddress(ipv4: host, port: 3030 + addressChanges), grace: grace)
        case .restart:
            loseConnections()
            incarnation += 1
            endpoint = Self.makeEndpoint(
                configuration, seed: history.scenario.seed, name: "\(index)",
                incarnation: incarnation)
        case .clockJump(let interval):
            clockOffset = clockOffset + interval
            for side in connections { side.hasClockJumped = true }
        case .disappearance:
            loseConnections()
            isGone = true
        }
    }

    private func loseConnections() {
        for side in connections where !side.isClosed { side.isLost = true }
        byID = [:]
    }

    func side(ofWireID id: UInt64) -> SimulatedConnection? {
        byWireID[id].map { connections[$0] }
    }

    func connect(plan index: Int, to peer: SocketAddress) throws(InvariantViolation) {
        let connection: Connection
        do {
            connection = try endpoint.connect(to: peer, now: now)
        } catch {
            throw InvariantViolation("connect failed: \(error)")
        }
        // The first datagram of the handshake shows the connection id that was chosen.
        var first = try transmit()
        while let sent = first, sent.kind != .handshake(1) || side(ofWireID: sent.wireID) != nil {
            first = try transmit()
        }
        guard let first else {
            throw InvariantViolation("connect was not followed by message 1")
        }
        let side = add(connection, plan: index, role: .initiator, wireID: first.wireID)
        side.handshakeMessagesSent = 1
        if history.scenario.connections[index].halfOpen == .initiatorAfterMessage1 {
            return try disturb(.disappearance)
        }
        try pump()
    }

    func receive(_ datagram: VirtualDatagram) throws(InvariantViolation) {
        guard !isGone else { return }
        let id = datagram.bytes.withUnsafeBytes { WireMonitor.connectionID(of: $0) }
        history.record(
            .arrived(
                host: index, length: datagram.bytes.count, isDamaged: datagram.isDamaged,
                isDuplicate: datagram.isDuplicate),
            words: UInt64(index), UInt64(datagram.bytes.count), datagram.isDamaged ? 1 : 0)
        if let id { noteArrival(datagram, wireID: id) }
        if let id {
            let former = arrivals[id].flatMap { $0.time == now ? $0.longest : nil } ?? 0
            arrivals[id] = Arrivals(time: now, longest: max(former, datagram.bytes.count))
        }
        history.currentWireID = id
        defer { history.currentWireID = nil }
        inbound = datagram.bytes
        inbound.withUnsafeMutableBytes {
            endpoint.handleDatagram(
                $0, from: datagram.source, ecn: datagram.ecn, now: now)
        }
        // Events at once: the acceptance of a connection is matched with the datagram that caused
        // it.
        while let event = endpoint.pollEvent() { try handle(event) }
    }

    /// Runs what is due, then sends what there is to send.
    func run() throws(InvariantViolation) {
        guard !isGone else { return }
        var rounds = 0
        while let deadline = endpoint.nextDeadline(now: now), deadline <= now {
            endpoint.handleDeadline(now: now)
            try pump()
            rounds += 1
            guard rounds < Self.maximumRoundsPerInstant else {
                throw InvariantViolation("a deadline stays in the past after it was handled")
            }
        }
        try pump()
        for side in connections where !side.isClosed { try checkWindow(of: side) }
    }

    func close(_ side: SimulatedConnection) throws(InvariantViolation) {
        guard !side.isClosed, !side.isCloseRequested else { return }
        side.isCloseRequested = true
        history.record(
            .closing(host: index, connection: side.plan), words: UInt64(index), UInt64(side.plan))
        endpoint.close(side.connection, now: now)
        try pump()
        guard side.isClosed else { throw InvariantViolation("close was not followed by .closed") }
    }

    func pump() throws(InvariantViolation) {
        var rounds = 0
        var isBusy = true
        while isBusy {
            isBusy = false
            while !isGone, try transmit() != nil {
                isBusy = true
                rounds += 1
                guard rounds < Self.maximumRoundsPerInstant else { break }
            }
            while let event = endpoint.pollEvent() {
                try handle(event)
                isBusy = true
            }
            guard !isGone else { return }
            if try runApplications() { isBusy = true }
            rounds += 1
            guard rounds < Self.maximumRoundsPerInstant else {
                throw InvariantViolation("livelock: the host does not come to rest at one instant")
            }
        }
    }

    func add(
        _ connection: Connection, plan: Int, role: Role, wireID: UInt64
    ) -> SimulatedConnection {
        let details = history.scenario.connections[plan]
        let seed = history.scenario.seed
        let isInitiator = role == .initiator
        let names = isInitiator ? ("i", "r") : ("r", "i")
        let side = SimulatedConnection(
            plan: plan, role: role, connection: connection, wireID: wireID,
            configuration: configuration,
            peer: history.scenario.hosts[isInitiator ? details.responder : details.initiator],
            isExtended: history.scenario.isExtended(plan: plan), startedAt: history.network.now,
            writer: Writer(
                plan: isInitiator ? details.initiatorWrites : details.responderWrites,
                pattern: history.pattern(plan: plan, writer: names.0),
                random: SeededRandom(seed: seed, stream: "writer \(plan) \(names.0)")),
            reader: Reader(
                plan: isInitiator ? details.initiatorReads : details.responderReads,
                pattern: history.pattern(plan: plan, writer: names.1),
                random: SeededRandom(seed: seed, stream: "reader \(plan) \(names.0)")),
            now: now)
        byID[connection.id] = connections.count
        byWireID[wireID] = connections.count
        if isInitiator {
            history.initiators[wireID] = side
            history.sides[plan].initiator = side
        } else {
            history.responders[wireID] = side
            history.sides[plan].responder = side
        }
        connections.append(side)
        return side
    }
}
