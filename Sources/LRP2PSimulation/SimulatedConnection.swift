import LRP2PCore

/// One side of a connection in a history: the core's connection, its two applications, and what
/// the network let through to it.
final class SimulatedConnection {
    /// Handshake messages whose loss may pass for chance: bursts of loss last for many datagrams.
    static let handshakeTriesBeforeBadLuck = 8

    /// Index of its plan in the scenario.
    let plan: Int
    let role: Role
    let connection: Connection
    let wireID: UInt64
    let idleTimeout: Interval?
    let handshakeTimeout: Interval
    let startedAt: Instant
    var writer: Writer
    var reader: Reader
    var isEstablished = false
    var closeReason: CloseReason?
    var isCloseRequested = false
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
        configuration: EndpointConfiguration, writer: Writer, reader: Reader, now: Instant
    ) {
        self.plan = plan
        self.role = role
        self.connection = connection
        self.wireID = wireID
        idleTimeout = configuration.idleTimeout
        handshakeTimeout = configuration.handshakeTimeout
        self.writer = writer
        self.reader = reader
        startedAt = now
        lastHeard = now
        lastArrival = now
    }

    var isClosed: Bool { closeReason != nil }

    /// When one of its applications wants to run; `nil` while both wait for an event.
    var nextWake: Instant? {
        let wakes = [isEstablished && !isClosed ? writer.nextWake : nil, reader.nextWake]
        return wakes.compactMap(\.self).min()
    }

    func noteArrival(_ datagram: VirtualDatagram, now: Instant) {
        lastArrival = now
        if datagram.isDamaged { return }
        if WireMonitor.messageLengths[datagram.bytes.count] == nil {
            if !datagram.isDuplicate { lastHeard = now }
        } else if answers.contains(datagram.bytes) {
            wasAnswered = true
        }
    }

    /// Initiator: so often did it try, and never did a usable answer, or then message 3, get
    /// through.
    func isHandshakeBadLuck(isAccepted: Bool) -> Bool {
        if closeReason == .handshakeTimeout { return true }
        return !isAccepted && !isMessage3Through
            && handshakeMessagesSent >= Self.handshakeTriesBeforeBadLuck
    }

    /// Checks that this end was allowed to come.
    func checkClose(
        _ reason: CloseReason, now: Instant, granularity: Interval
    ) throws(InvariantViolation) {
        switch reason {
        case .local:
            guard !isCloseRequested else { return }
            throw InvariantViolation("closed as if by its own side, which had not asked for it")
        case .idleTimeout:
            guard let idleTimeout else {
                throw InvariantViolation("idle timeout where none is configured")
            }
            let silence = now - lastHeard
            guard silence + granularity < idleTimeout else { return }
            throw InvariantViolation("idle timeout after \(silence.inSeconds) s of silence, not "
                + "\(idleTimeout.inSeconds) s")
        case .handshakeTimeout:
            let waited = now - startedAt
            guard role == .initiator, !wasAnswered, waited + granularity >= handshakeTimeout else {
                throw InvariantViolation("handshake timeout after \(waited.inSeconds) s, "
                    + (wasAnswered ? "though message 2 had arrived" : "too early"))
            }
            guard !hasReachedResponder || answersSent > 0 else {
                throw InvariantViolation(
                    "handshake timeout: message 1 arrived undamaged and was not answered")
            }
            guard handshakeMessagesSent >= 3 else {
                throw InvariantViolation(
                    "gave a handshake up after \(handshakeMessagesSent) messages")
            }
        case .connectedToSelf, .sequenceExhausted:
            throw InvariantViolation("closed with \(reason.rawValue), which nothing explains")
        }
    }
}
