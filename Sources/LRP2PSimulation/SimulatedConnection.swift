import LRP2PCore

/// One side of a connection in a history: the core's connection, its two applications, and what
/// the network let through to it.
final class SimulatedConnection {
    /// Handshake messages whose loss may pass for chance: bursts of loss last for many datagrams.
    static let handshakeTriesBeforeBadLuck = 8

    /// Datagrams that a connection sends after its end unasked, at most.
    static let farewells = 8

    /// Index of its plan in the scenario.
    let plan: Int
    let role: Role
    let connection: Connection
    let wireID: UInt64
    let idleTimeout: Interval?
    /// The shorter one of both hosts, where they can tell each other (RFC 9000 §10.1).
    let shortestIdleTimeout: Interval?
    let handshakeTimeout: Interval
    /// Both hosts have extensions on.
    let isExtended: Bool
    /// On the network's clock; all other times are on the host's.
    let startedAt: Instant
    let openedAt: Instant
    var writer: Writer
    var reader: Reader
    var isEstablished = false
    var closeReason: CloseReason?
    /// On the network's clock.
    var closedAt: Instant?
    var isCloseRequested = false
    /// The host's clock went forward at once since the connection began: its timers prove nothing.
    var hasClockJumped = false
    /// Its host has restarted, or has disappeared.
    var isLost = false
    /// The application has said that nothing more will be written.
    var hasFinishedWriting = false
    /// The core has said that the peer's stream has ended.
    var isRemoteFinished = false
    /// Data datagrams sent after the end.
    var farewells = 0
    /// Datagrams that have arrived after the end.
    var arrivalsAfterClose = 0
    var handshakeMessagesSent = 0
    /// The last arrival of an undamaged first copy of data, which the core has to count as a sign
    /// of life.
    var lastHeard: Instant
    /// Bytes sent for the first time, when the host last came to rest.
    var sentBytes: UInt64 = 0
    /// The last arrival of anything.
    var lastArrival: Instant
    /// An undamaged message 3 has reached the responder.
    var isMessage3Through = false
    /// An undamaged message 1 has reached the responder.
    var hasReachedResponder = false
    /// Whether the last message 1 that reached the responder was undamaged. Then what it sends
    /// next is the answer that the initiator can use.
    var isOwedAnswer = false
    /// Messages 2 that answer an undamaged message 1.
    var answers: Set<[UInt8]> = []
    /// Messages 2 of any kind since message 1 arrived undamaged.
    var answersSent = 0
    /// A usable message 2 has arrived undamaged.
    var wasAnswered = false

    init(
        plan: Int, role: Role, connection: Connection, wireID: UInt64,
        configuration: EndpointConfiguration, peer: EndpointConfiguration, isExtended: Bool,
        startedAt: Instant, writer: Writer, reader: Reader, now: Instant
    ) {
        self.plan = plan
        self.role = role
        self.connection = connection
        self.wireID = wireID
        idleTimeout = configuration.idleTimeout
        shortestIdleTimeout = isExtended
            ? [idleTimeout, peer.idleTimeout].compactMap(\.self).min() : idleTimeout
        handshakeTimeout = configuration.handshakeTimeout
        self.writer = writer
        self.reader = reader
        self.isExtended = isExtended
        self.startedAt = startedAt
        openedAt = now
        lastHeard = now
        lastArrival = now
    }

    var isClosed: Bool { closeReason != nil || isLost }

    /// It has ended, and its application has read what came before that.
    var isAtRest: Bool {
        isLost || closeReason != nil && reader.read == connection.receiveRing.endPosition
    }

    /// When one of its applications wants to run; `nil` while both wait for an event.
    var nextWake: Instant? {
        if isLost { return nil }
        let wakes = [isEstablished && !isClosed ? writer.nextWake : nil, reader.nextWake]
        return wakes.compactMap(\.self).min()
    }

    func noteArrival(_ datagram: VirtualDatagram, now: Instant) {
        lastArrival = now
        if isClosed { arrivalsAfterClose += 1 }
        if datagram.isDamaged { return }
        if datagram.label == WireKind.dataLabel {
            if !datagram.isDuplicate { lastHeard = now }
        } else if answers.contains(datagram.bytes) {
            wasAnswered = true
        }
    }

    /// The base protocol has nothing to say after the end. The extended one tells the peer, and
    /// answers what the peer has not heard yet.
    func noteSendingData(_ length: Int) throws(InvariantViolation) {
        guard isClosed else { return }
        farewells += 1
        let hasSaidSo = closeReason == .local || closeReason == .finished
            || closeReason == .idleTimeout
        guard isExtended, hasSaidSo else {
            throw InvariantViolation("sent data for a closed connection")
        }
        guard farewells <= Self.farewells + arrivalsAfterClose else {
            throw InvariantViolation("sent \(farewells) datagrams after the end")
        }
    }

    /// Initiator: so often did it try, and never did a usable answer, or then message 3, get
    /// through.
    func isHandshakeBadLuck(isAccepted: Bool) -> Bool {
        if closeReason == .handshakeTimeout { return true }
        return !isAccepted && !isMessage3Through
            && handshakeMessagesSent >= Self.handshakeTriesBeforeBadLuck
    }
}
