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
    /// Answers to datagrams without a connection that wait to be sent; beyond it new ones are
    /// dropped.
    static let maximumReplies = 256
    /// Closed connections that may wait for `takeChanged`, besides as many as are open.
    static let toleratedChanged = 64
    /// Resets in a second: they answer anyone (RFC 9000 §10.3.3).
    static let maximumResetsPerSecond = 100
    /// Bytes one connection sends before it is another's turn: two trains.
    static let sendQuantum = 128 << 10

    let shared: EndpointShared
    let staticKey: SecretBytes
    /// Our X25519 public key, 32 bytes.
    public let staticPublicKey: [UInt8]
    let statelessReset: StatelessReset
    let addressValidation: AddressValidation
    var resetsInSecond = 0
    var resetSecond = Instant(nanoseconds: 0)

    var connections: [ConnectionID: Connection] = [:]
    /// The connection of the last datagram: mostly that of the next, too.
    var lastFound: Connection?
    var handshakes: InboundHandshakes
    private var connectionsMade: UInt64 = 0

    var replies = SequenceRing<Reply?>(start: 0, filler: nil)
    var ready = SequenceRing<Connection?>(start: 0, filler: nil)
    var sentInTurn = 0
    var touched: [Connection] = []
    var changed: [Connection] = []
    var deadlines = DeadlineHeap()
    var events = SequenceRing<EndpointEvent?>(start: 0, filler: nil)

    struct Reply {
        let datagram: [UInt8]
        let destination: SocketAddress
    }

    /// - Parameters:
    ///   - configuration: stays as it is for the life of the endpoint.
    ///   - staticPrivateKey: the X25519 private key of this endpoint, 32 bytes.
    ///   - random: fills a buffer with random bytes; unpredictable ones outside of tests.
    public init(
        configuration: EndpointConfiguration, staticPrivateKey: consuming SecretBytes,
        random: @escaping (UnsafeMutableRawBufferPointer) -> Void
    ) {
        Sodium.initialize()
        shared = EndpointShared(configuration: configuration, random: random)
        statelessReset = StatelessReset(staticKey: staticPrivateKey)
        addressValidation = AddressValidation(staticKey: staticPrivateKey)
        staticPublicKey = X25519.publicKey(for: staticPrivateKey)
        staticKey = staticPrivateKey
        handshakes = InboundHandshakes(configuration: configuration)
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
        SecretBytes(count: X25519.keyLength) { shared.random($0) }
    }

    // MARK: What the application does

    /// Begins a handshake. The connection's first event is `connected` or `closed`.
    ///
    /// - Parameters:
    ///   - address: where the first message goes.
    ///   - congestionControl: `nil` for the endpoint's own.
    ///   - now: as told to all other calls, or later.
    public func connect(
        to address: SocketAddress, congestionControl: CongestionControlAlgorithm? = nil,
        now: Instant
    ) throws(EndpointConnectError) -> Connection {
        guard address.port != 0 else { throw .unusableAddress }
        guard hasRoomForConnection else { throw .connectionLimit }
        let connection = makeConnection(
            .initiator, unusedID(), remoteAddress: address, congestionControl: congestionControl,
            now: now)
        startHandshake(of: connection, offer: ownParameters(for: connection.wireID), now: now)
        add(connection)
        return connection
    }

    private func startHandshake(
        of connection: Connection, offer: TransportParameters?, now: Instant
    ) {
        do {
            try connection.startHandshake(
                offer: offer, staticKey: staticKey.copy(), staticPublicKey: staticPublicKey,
                ephemeralKey: randomSecret(), now: now)
        } catch {
            preconditionFailure("message 1 depends on our own keys only: \(error)")
        }
    }

    private func unusedID() -> ConnectionID {
        while true {
            let id = ConnectionID(rawValue: UInt64(bigEndian: shared.randomWord()))
            guard shared.configuration.shard.includes(id), connections[id] == nil,
                handshakes.candidates(for: id).isEmpty
            else { continue }
            return id
        }
    }

    func makeConnection(
        _ role: Role, _ wireID: ConnectionID, remoteAddress: SocketAddress,
        congestionControl: CongestionControlAlgorithm? = nil, now: Instant
    ) -> Connection {
        connectionsMade += 1
        // Different in all endpoints that share a port.
        let shard = shared.configuration.shard
        let id = connectionsMade * UInt64(shard.count) + UInt64(shard.index)
        return Connection(
            id: id, role: role, wireID: wireID, remoteAddress: remoteAddress,
            congestionControl: congestionControl, shared: shared, now: now)
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
        connection.didRead(now: now)
        touch(connection)
    }

    /// The application has taken charge of everything the peer has sent before the offset; the end
    /// of its stream counts as one more byte. For `EndpointConfiguration.confirmsDelivery`. Going
    /// back changes nothing.
    public func confirmDelivery(on connection: Connection, upTo offset: UInt64, now: Instant) {
        connection.confirmDelivery(upTo: offset)
        touch(connection)
    }

    /// The application writes no more to the connection. What is written is still sent, and the
    /// peer learns where the stream ends; when both streams have ended, so does the connection
    /// (`CloseReason.finished`). The base protocol has no word for it: nothing happens there.
    public func finishWriting(_ connection: Connection, now: Instant) {
        guard connection.isExtended else { return }
        connection.finishWriting()
        touch(connection)
    }

    /// Sends a message that arrives once or not at all, in any order. Returns false when it is too
    /// long for the path (`Connection.maximumMessageBytes`) or the peer takes none.
    public func sendMessage(
        _ bytes: [UInt8], to connection: Connection, now: Instant
    ) -> Bool {
        guard !connection.isClosed, connection.sendMessage(bytes) else { return false }
        touch(connection)
        return true
    }

    /// Ends a connection at once. A peer of the extended protocol is told, once; the base protocol
    /// has no word for it.
    public func close(_ connection: Connection, code: ResetCode = .closed, now: Instant) {
        connection.ownResetCode = code
        close(connection, reason: .local)
    }

    func close(_ connection: Connection, reason: CloseReason) {
        guard !connection.isClosed else { return }
        switch reason {
        case .local, .protocolViolation:
            // Should it be lost, the peer's next packet is answered with a stateless reset.
            if let datagram = connection.makeReset(code: connection.ownResetCode) {
                reply(datagram, to: connection.remoteAddress)
            }
        case .finished, .reset, .statelessReset, .idleTimeout, .handshakeTimeout,
            .connectedToSelf, .sequenceExhausted:
            break
        }
        countFailedHandshake(of: connection, reason)
        connection.closeReason = reason
        connections[connection.wireID] = nil
        if lastFound === connection { lastFound = nil }
        deadlines.remove(connection)
        connection.wipeKeys()
        connection.releaseReservations()
        events.append(.closed(connection, reason))
    }

    /// Returns whether there was room for it.
    @discardableResult
    func reply(_ datagram: [UInt8], to destination: SocketAddress) -> Bool {
        guard replies.count < Self.maximumReplies else { return false }
        replies.append(Reply(datagram: datagram, destination: destination))
        return true
    }

    // MARK: Input

    /// Takes one received datagram. It is decrypted in place; nothing keeps the pointer.
    ///
    /// - Parameters:
    ///   - datagram: of any length and content.
    ///   - source: where it came from, as far as that can be believed.
    ///   - ecn: as it arrived; `notECT` when the owner does not know.
    ///   - now: when it arrived; not before the time of the last call.
    public func handleDatagram(
        _ datagram: UnsafeMutableRawBufferPointer, from source: SocketAddress,
        ecn: ECNCodepoint = .notECT, now: Instant
    ) {
        shared.statistics.packetsReceived += 1
        guard datagram.count >= WireFormat.connectionIDLength else {
            countDrop(.tooShort)
            return
        }
        guard datagram.count <= WireFormat.maximumDatagram else {
            countDrop(.tooLong)
            return
        }
        let id = ConnectionID(startOf: UnsafeRawBufferPointer(datagram))
        if let connection = find(id) {
            handle(datagram, for: connection, from: source, ecn: ecn, now: now)
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
        _ datagram: UnsafeMutableRawBufferPointer, for connection: Connection,
        from source: SocketAddress, ecn: ECNCodepoint, now: Instant
    ) {
        touch(connection)
        if connection.isEstablished {
            note(connection.handleData(datagram, from: source, ecn: ecn, now: now), of: connection)
            return
        }
        if let offer = connection.offer(for: UnsafeRawBufferPointer(datagram)) {
            startHandshake(of: connection, offer: offer, now: now)
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
        guard !progress.isDisjoint(with: [.remoteFinished, .datagram, .ended]) else { return }
        if progress.contains(.datagram) { events.append(.datagram(connection)) }
        if progress.contains(.remoteFinished) { events.append(.remoteFinished(connection)) }
        if let reason = connection.endReason { close(connection, reason: reason) }
    }
}
