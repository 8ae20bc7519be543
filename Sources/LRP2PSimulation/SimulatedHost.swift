import LRP2PCore
import Sodium

/// One host of a history: the core's endpoint, and the loop that a socket runs around it, in
/// virtual time.
final class SimulatedHost {
    /// Rounds of sending, events and applications at one instant, at most: more is a livelock.
    static let maximumRoundsPerInstant = 20_000

    let index: Int
    let address: SocketAddress
    let endpoint: Endpoint
    let configuration: EndpointConfiguration
    private(set) var connections: [SimulatedConnection] = []
    private(set) var datagramsSent = 0
    private var byID: [UInt64: Int] = [:]
    private var byWireID: [UInt64: Int] = [:]
    private var monitor = WireMonitor()
    let history: HistoryContext
    private var inbound: [UInt8] = []

    init(index: Int, configuration: EndpointConfiguration, history: HistoryContext) {
        self.index = index
        self.configuration = configuration
        self.history = history
        address = Self.address(of: index)
        var keyRandom = SeededRandom(seed: history.scenario.seed, stream: "key \(index)")
        let key = SecretBytes(count: 32) { keyRandom.fill($0) }
        var random = SeededRandom(seed: history.scenario.seed, stream: "host \(index)")
        endpoint = Endpoint(configuration: configuration, staticPrivateKey: key) {
            random.fill($0)
        }
    }

    static func address(of index: Int) -> SocketAddress {
        // 10.0.0.0/8, one host address each: limits count per host address.
        SocketAddress(ipv4: 0x0a00_0001 + UInt32(index), port: 3030)
    }

    var now: Instant { history.network.now }

    /// When this host has to run; `nil` when only a datagram can wake it.
    var nextWake: Instant? {
        var wake = endpoint.nextDeadline(now: now)
        for connection in connections {
            if let next = connection.nextWake { wake = min(wake ?? next, next) }
        }
        return wake
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
        guard let first = try transmit(), case .handshake(1) = first.kind else {
            throw InvariantViolation("connect was not followed by message 1")
        }
        let side = add(connection, plan: index, role: .initiator, wireID: first.wireID)
        side.handshakeMessagesSent = 1
        try pump()
    }

    func receive(_ datagram: VirtualDatagram) throws(InvariantViolation) {
        let id = datagram.bytes.withUnsafeBytes { WireMonitor.connectionID(of: $0) }
        history.record(
            .arrived(
                host: index, length: datagram.bytes.count, isDamaged: datagram.isDamaged,
                isDuplicate: datagram.isDuplicate),
            words: UInt64(index), UInt64(datagram.bytes.count), datagram.isDamaged ? 1 : 0)
        if let id { noteArrival(datagram, wireID: id) }
        history.currentWireID = id
        defer { history.currentWireID = nil }
        inbound = datagram.bytes
        inbound.withUnsafeMutableBytes {
            endpoint.handleDatagram($0, from: datagram.source, now: now)
        }
        // Events at once: the acceptance of a connection is matched with the datagram that caused
        // it.
        while let event = endpoint.pollEvent() { try handle(event) }
    }

    /// Runs what is due, then sends what there is to send.
    func run() throws(InvariantViolation) {
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

    private func pump() throws(InvariantViolation) {
        var rounds = 0
        var isBusy = true
        while isBusy {
            isBusy = false
            while try transmit() != nil {
                isBusy = true
                rounds += 1
                guard rounds < Self.maximumRoundsPerInstant else { break }
            }
            while let event = endpoint.pollEvent() {
                try handle(event)
                isBusy = true
            }
            if try runApplications() { isBusy = true }
            rounds += 1
            guard rounds < Self.maximumRoundsPerInstant else {
                throw InvariantViolation("livelock: the host does not come to rest at one instant")
            }
        }
    }

    private func transmit() throws(InvariantViolation) -> (kind: WireKind, wireID: UInt64)? {
        let buffer = history.datagramBuffer
        guard let transmit = endpoint.pollTransmit(into: buffer, now: now) else { return nil }
        guard transmit.length >= 0, transmit.length <= buffer.count else {
            throw InvariantViolation("wrote \(transmit.length) bytes into \(buffer.count)")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<transmit.length])
        let kind = try monitor.check(bytes)
        let id = WireMonitor.connectionID(of: bytes) ?? 0
        try noteSending(kind, bytes, wireID: id)
        datagramsSent += 1
        let fate = history.network.send(bytes, from: address, to: transmit.destination)
        history.record(
            .sent(host: index, what: Self.describe(kind), length: bytes.count, fate: fate),
            words: UInt64(index), UInt64(bytes.count), id,
            // The tag at the end stands for the whole content.
            bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self).littleEndian)
        return (kind, id)
    }

    private func handle(_ event: EndpointEvent) throws(InvariantViolation) {
        switch event {
        case .connected(let connection):
            let side = try known(connection)
            guard side.role == .initiator, !side.isEstablished else {
                throw InvariantViolation("connected, but not as a new initiator")
            }
            establish(side)
            history.record(
                .connected(host: index, connection: side.plan), words: UInt64(index),
                UInt64(side.plan))
        case .accepted(let connection):
            guard let id = history.currentWireID, let plan = history.initiators[id]?.plan,
                  history.scenario.connections[plan].responder == index, byWireID[id] == nil
            else { throw InvariantViolation("accepted a connection that nobody opened") }
            establish(add(connection, plan: plan, role: .responder, wireID: id))
            history.record(
                .accepted(host: index, connection: plan), words: UInt64(index), UInt64(plan))
        case .readable(let connection):
            try known(connection).reader.bytesArrived()
        case .writable(let connection):
            try known(connection).writer.roomAppeared()
        case .closed(let connection, let reason):
            let side = try known(connection)
            side.closeReason = reason
            history.record(
                .closed(host: index, connection: side.plan, reason), words: UInt64(index),
                UInt64(side.plan))
            guard connection.isClosed else {
                throw InvariantViolation(".closed for a connection that says it is open")
            }
            try side.checkClose(reason, now: now, granularity: history.scenario.wakeGranularity)
        }
    }

    private func establish(_ side: SimulatedConnection) {
        side.isEstablished = true
        side.lastHeard = now
    }

    private func runApplications() throws(InvariantViolation) -> Bool {
        var isBusy = false
        for side in connections {
            if side.isEstablished, !side.isClosed {
                let count = side.writer.run(
                    into: side.connection.sendRing, scratch: history.scratch, now: now)
                if count > 0 {
                    isBusy = true
                    endpoint.didWrite(to: side.connection, now: now)
                    history.record(
                        .wrote(host: index, connection: side.plan, bytes: count),
                        words: UInt64(index), UInt64(side.plan), UInt64(count))
                }
            }
            let count = try side.reader.run(
                from: side.connection.receiveRing, scratch: history.scratch, now: now,
                elapsed: history.network.elapsed)
            if count > 0 {
                isBusy = true
                if !side.isClosed { endpoint.didRead(from: side.connection, now: now) }
                history.record(
                    .read(host: index, connection: side.plan, bytes: count),
                    words: UInt64(index), UInt64(side.plan), UInt64(count))
            }
        }
        return isBusy
    }

    private func known(
        _ connection: Connection
    ) throws(InvariantViolation) -> SimulatedConnection {
        guard let position = byID[connection.id] else {
            throw InvariantViolation("an event of a connection that the application never saw")
        }
        let side = connections[position]
        guard !side.isClosed else { throw InvariantViolation("an event after .closed") }
        return side
    }

    private func add(
        _ connection: Connection, plan: Int, role: Role, wireID: UInt64
    ) -> SimulatedConnection {
        let details = history.scenario.connections[plan]
        let seed = history.scenario.seed
        let isInitiator = role == .initiator
        let names = isInitiator ? ("i", "r") : ("r", "i")
        let side = SimulatedConnection(
            plan: plan, role: role, connection: connection, wireID: wireID,
            configuration: configuration,
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
        if isInitiator { history.initiators[wireID] = side }
        connections.append(side)
        return side
    }

    private static func describe(_ kind: WireKind) -> String {
        switch kind {
        case .handshake(let message): "h\(message)"
        case .data(let nonce): "d\(nonce)"
        }
    }
}
