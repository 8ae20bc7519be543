import Noise
import Sodium

/// All connections of one UDP socket, as a state machine without I/O.
///
/// Datagrams and the time go in; datagrams, events and the next deadline come out. After each
/// input the owner calls `pollTransmit` and `pollEvent` until they return `nil`, and then waits
/// for the next datagram, or for `nextDeadline`.
///
/// Not thread-safe: one owner at a time.
public final class Endpoint {
    /// Bytes that `pollTransmit` may need.
    public static let maximumDatagramSize = WireFormat.maximumDatagram
    /// Answers to first messages that wait to be sent; beyond it new ones are dropped.
    static let maximumReplies = 256
    /// Datagrams one connection sends before it is another's turn.
    private static let sendQuantum = 32

    let shared: EndpointShared
    let staticKey: SecretBytes
    /// Our X25519 public key, 32 bytes.
    public let staticPublicKey: [UInt8]
    private let random: (UnsafeMutableRawBufferPointer) -> Void

    var connections: [ConnectionID: Connection] = [:]
    /// The connection of the last datagram: mostly that of the next, too.
    private var lastFound: Connection?
    var handshakes: InboundHandshakes
    private var connectionsMade: UInt64 = 0

    var replies = SequenceRing<Reply?>(start: 0, filler: nil)
    private var ready = SequenceRing<Connection?>(start: 0, filler: nil)
    private var sentInTurn = 0
    private var touched: [Connection] = []
    private var deadlines = DeadlineHeap()
    var events = SequenceRing<EndpointEvent?>(start: 0, filler: nil)

    struct Reply {
        let datagram: [UInt8]
        let destination: SocketAddress
    }

    /// - Parameters:
    ///   - staticPrivateKey: the X25519 private key of this endpoint, 32 bytes.
    ///   - random: fills a buffer with random bytes; unpredictable ones outside of tests.
    public init(
        configuration: EndpointConfiguration, staticPrivateKey: consuming SecretBytes,
        random: @escaping (UnsafeMutableRawBufferPointer) -> Void
    ) {
        Sodium.initialize()
        shared = EndpointShared(configuration: configuration)
        staticPublicKey = X25519.publicKey(for: staticPrivateKey)
        staticKey = staticPrivateKey
        handshakes = InboundHandshakes(configuration: configuration)
        self.random = random
    }

    /// Connections in both directions, those whose handshake we began included.
    public var connectionCount: Int { connections.count }

    /// The totals since the endpoint was made.
    public var statistics: EndpointStatistics {
        var result = shared.statistics
        result.handshakesInProgress = handshakes.count
        return result
    }

    /// Counts a datagram that the owner had to drop itself.
    public func countDrop(_ reason: DropReason) {
        shared.countDrop(reason)
    }

    /// Handshakes count, because they may become connections.
    var hasRoomForConnection: Bool {
        connections.count + handshakes.count < shared.configuration.maximumConnections
    }

    func randomSecret() -> SecretBytes {
        SecretBytes(count: X25519.keyLength) { random($0) }
    }

    // MARK: What the application does

    /// Begins a handshake. The connection's first event is `connected` or `closed`.
    public func connect(
        to address: SocketAddress, now: Instant
    ) throws(EndpointConnectError) -> Connection {
        guard address.port != 0 else { throw .unusableAddress }
        guard hasRoomForConnection else { throw .connectionLimit }
        let connection = makeConnection(
            .initiator, unusedID(), remoteAddress: address, now: now)
        do {
            try connection.startHandshake(
                staticKey: staticKey.copy(), ephemeralKey: randomSecret(), now: now)
        } catch {
            preconditionFailure("message 1 depends on our own keys only: \(error)")
        }
        add(connection)
        return connection
    }

    private func unusedID() -> ConnectionID {
        while true {
            var bytes: UInt64 = 0
            withUnsafeMutableBytes(of: &bytes) { random($0) }
            let id = ConnectionID(rawValue: UInt64(bigEndian: bytes))
            guard shared.configuration.shard.includes(id), connections[id] == nil,
                handshakes.candidates(for: id).isEmpty
            else { continue }
            return id
        }
    }

    func makeConnection(
        _ role: Role, _ wireID: ConnectionID, remoteAddress: SocketAddress, now: Instant
    ) -> Connection {
        connectionsMade += 1
        // Different in all endpoints that share a port.
        let shard = shared.configuration.shard
        let id = connectionsMade * UInt64(shard.count) + UInt64(shard.index)
        return Connection(
            id: id, role: role, wireID: wireID, remoteAddress: remoteAddress, shared: shared,
            now: now)
    }

    func add(_ connection: Connection) {
        connections[connection.wireID] = connection
        touch(connection)
    }

    /// The application has appended to the connection's send ring.
    public func didWrite(to connection: Connection, now: Instant) {
        touch(connection)
    }

    /// The application has released a prefix of the connection's receive ring.
    public func didRead(from connection: Connection, now: Instant) {
        connection.didRead()
        touch(connection)
    }

    /// Ends a connection at once. The peer is not told: the base protocol has no word for it.
    public func close(_ connection: Connection, now: Instant) {
        close(connection, reason: .local)
    }

    private func close(_ connection: Connection, reason: CloseReason) {
        guard !connection.isClosed else { return }
        connection.closeReason = reason
        connections[connection.wireID] = nil
        if lastFound === connection { lastFound = nil }
        deadlines.remove(connection)
        connection.wipeKeys()
        events.append(.closed(connection, reason))
    }

    // MARK: Input

    /// Takes one received datagram. It is decrypted in place; nothing keeps the pointer.
    ///
    /// - Parameter ecn: as it arrived; `notECT` when the owner does not know.
    public func handleDatagram(
        _ datagram: UnsafeMutableRawBufferPointer, from source: SocketAddress,
        ecn: ECNCodepoint = .notECT, now: Instant
    ) {
        shared.statistics.packetsReceived += 1
        guard datagram.count >= WireFormat.connectionIDLength else {
            countDrop(.tooShort)
            return
        }
        guard datagram.count <= WireFormat.maximumReceivedDatagram else {
            countDrop(.tooLong)
            return
        }
        let id = ConnectionID(startOf: UnsafeRawBufferPointer(datagram))
        if let connection = find(id) {
            handle(datagram, for: connection, now: now)
        } else {
            handleHandshake(id, UnsafeRawBufferPointer(datagram), from: source, now: now)
        }
    }

    private func find(_ id: ConnectionID) -> Connection? {
        if let lastFound, lastFound.wireID == id { return lastFound }
        guard let connection = connections[id] else { return nil }
        lastFound = connection
        return connection
    }

    private func handle(
        _ datagram: UnsafeMutableRawBufferPointer, for connection: Connection, now: Instant
    ) {
        touch(connection)
        if connection.isEstablished {
            note(connection.handleData(datagram, now: now), of: connection)
            return
        }
        switch connection.handleSecondMessage(UnsafeRawBufferPointer(datagram), now: now) {
        case .none: break
        case .established: events.append(.connected(connection))
        case .connectedToSelf: close(connection, reason: .connectedToSelf)
        }
    }

    func note(_ progress: Connection.Progress, of connection: Connection) {
        if progress.contains(.readable), !connection.hasReadableEvent {
            connection.hasReadableEvent = true
            events.append(.readable(connection))
        }
        if progress.contains(.writable), !connection.hasWritableEvent {
            connection.hasWritableEvent = true
            events.append(.writable(connection))
        }
    }

    // MARK: Output

    /// Writes the next datagram to send into `buffer`, which must have room for
    /// `maximumDatagramSize` bytes. `nil` when there is nothing to send before the next input.
    public func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Transmit? {
        precondition(buffer.count >= Self.maximumDatagramSize)
        if !replies.isEmpty, let reply = replies.removeFirst() {
            buffer.copyBytes(from: reply.datagram)
            shared.statistics.packetsSent += 1
            return Transmit(length: reply.datagram.count, destination: reply.destination)
        }
        while !ready.isEmpty, let connection = ready[ready.start] {
            if sentInTurn < Self.sendQuantum,
                let length = connection.pollTransmit(into: buffer, now: now)
            {
                sentInTurn += 1
                noteDeadline(of: connection)
                shared.statistics.packetsSent += 1
                return Transmit(length: length, destination: connection.remoteAddress)
            }
            _ = ready.removeFirst()
            if sentInTurn == Self.sendQuantum {
                ready.append(connection)
            } else {
                connection.isReadyToSend = false
            }
            sentInTurn = 0
        }
        return nil
    }

    /// The next thing the application should know.
    public func pollEvent() -> EndpointEvent? {
        guard !events.isEmpty, let event = events.removeFirst() else { return nil }
        switch event {
        case .readable(let connection): connection.hasReadableEvent = false
        case .writable(let connection): connection.hasWritableEvent = false
        case .connected, .accepted, .closed: break
        }
        return event
    }

    // MARK: Time

    /// Notes that a connection may have something to send and another deadline.
    private func touch(_ connection: Connection) {
        guard !connection.isClosed else { return }
        if !connection.isReadyToSend {
            connection.isReadyToSend = true
            ready.append(connection)
        }
        noteDeadline(of: connection)
    }

    /// Notes that a connection may have another deadline.
    private func noteDeadline(of connection: Connection) {
        if !connection.isTouched {
            connection.isTouched = true
            touched.append(connection)
        }
    }

    /// When `handleDeadline` must be called at the latest; it may find nothing to do.
    ///
    /// - Parameter now: not later than the time of the next input.
    public func nextDeadline(now: Instant) -> Instant? {
        scheduleTouched(now: now)
        guard let handshake = handshakes.deadline else { return deadlines.earliest }
        return min(handshake, deadlines.earliest ?? handshake)
    }

    private func scheduleTouched(now: Instant) {
        for connection in touched {
            connection.isTouched = false
            guard !connection.isClosed else { continue }
            deadlines.schedule(connection, at: connection.nextDeadline(now: now))
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// Does what the time requires.
    public func handleDeadline(now: Instant) {
        scheduleTouched(now: now)
        handshakes.removeExpired(now: now)
        while let connection = deadlines.popDue(now: now) {
            if let reason = connection.handleTimers(now: now) {
                close(connection, reason: reason)
            } else {
                touch(connection)
            }
        }
    }
}
