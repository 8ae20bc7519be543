import LRP2PCore

/// Checks the outside of every datagram of a history, connection by connection: against the base
/// protocol (PROTOCOL.md §1 and §2) where one of the hosts has no extensions, else against the
/// extended one.
struct WireMonitor {
    /// One direction of a connection.
    private struct Direction {
        var nextNumber: UInt64 = 0
        var keyPhase = false
    }

    private struct Flow {
        let initiator: Int
        let isExtended: Bool
        /// The shorter one of what both hosts take.
        let maximumDatagram: Int
        var message1: [UInt8]
        var message3: [UInt8]?
        /// Requests for a cookie that were not yet followed by another message 1.
        var retries = 0
        var isAnswered = false
        var fromInitiator = Direction()
        var fromResponder = Direction()
    }

    /// A datagram of one host, with what the host knows about its connection.
    struct Outgoing {
        let bytes: UnsafeRawBufferPointer
        let host: Int
        /// The host behind its destination; `nil` when there is none.
        let peer: Int?
        /// The host has a connection, or has begun one, under this id.
        let isOwn: Bool
        /// The longest datagram of this connection that the host got at this instant or at the
        /// last one at which it got any; 0 for none.
        let answers: Int
    }

    /// Sizes of the messages with empty payloads, and the smallest data datagram: connection id,
    /// nonce and tag around an empty plaintext.
    static let messageLengths = [1: 40, 2: 104, 3: 72]
    /// With the initiator's reset token.
    static let extendedThirdLength = 94
    static let minimumDataLength = 32
    static let maximumBaseLength = 1400
    static let minimumResetLength = 41
    /// An answer is at most so many times as long as what it answers (RFC 9000 §8.1).
    static let maximumAmplification = 3
    private static let extendedBit: UInt64 = 1 << 63
    private static let keyPhaseBit: UInt64 = 1 << 62

    /// Whether each host has extensions on.
    let isExtended: [Bool]
    /// What each host sends and takes at most.
    private let maximumDatagrams: [Int]
    /// Changes of the key phase bit seen, in all.
    private(set) var keyPhaseChanges = 0
    private var flows: [UInt64: Flow] = [:]

    init(hosts: [EndpointConfiguration]) {
        isExtended = hosts.map(\.isExtended)
        maximumDatagrams = hosts.map(\.maximumDatagram)
    }

    static func connectionID(of bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    mutating func check(_ datagram: Outgoing) throws(InvariantViolation) -> WireKind {
        let bytes = datagram.bytes
        guard bytes.count >= Self.minimumDataLength, let id = Self.connectionID(of: bytes) else {
            throw InvariantViolation("sent a datagram of \(bytes.count) bytes, which crashes a "
                + "reference peer or means nothing to it (PROTOCOL.md §2, hazard 2)")
        }
        let header = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        guard var flow = flows[id] else { return try checkFirst(datagram, id, header) }
        defer { flows[id] = flow }
        let isInitiator = datagram.host == flow.initiator
        if flow.isAnswered,
            let kind = try checkData(bytes.count, header, &flow, isInitiator: isInitiator) {
            return kind
        }
        if datagram.isOwn, flow.isAnswered, Self.looksLikeData(header, flow.isExtended) {
            let due = (isInitiator ? flow.fromInitiator : flow.fromResponder).nextNumber
            throw InvariantViolation("sent packet \(header & ~(3 << 62)) where \(due) was due")
        }
        if isInitiator {
            if let kind = try checkInitiator(datagram, &flow) { return kind }
        } else {
            let kind = try checkAnswer(datagram, header, isExtended: flow.isExtended)
            if kind == .handshake(2) { flow.isAnswered = true }
            if kind == .retry { flow.retries += 1 }
            return kind
        }
        // The initiator may have lost the connection, too. Then message 2, which has a payload of
        // any length, passes for the first message of a base peer.
        if !datagram.isOwn { return try checkAnswer(datagram, header, isExtended: false) }
        throw InvariantViolation("sent a datagram of \(bytes.count) bytes with the header "
            + "\(String(header, radix: 16)), which is neither data nor a handshake message")
    }

    /// A datagram with a connection id that nobody has opened.
    private mutating func checkFirst(
        _ datagram: Outgoing, _ id: UInt64, _ header: UInt64
    ) throws(InvariantViolation) -> WireKind {
        // The network has damaged the connection id of what this answers.
        if !datagram.isOwn, datagram.answers > 0 {
            return try checkAnswer(
                datagram, header, isExtended: isExtended[datagram.host])
        }
        let length = datagram.bytes.count
        let offers = isExtended[datagram.host]
        guard length == Self.messageLengths[1]
            || offers && (40...Self.maximumBaseLength).contains(length)
        else {
            throw InvariantViolation("began a handshake with \(length) bytes")
        }
        let peerIsExtended = datagram.peer.map { isExtended[$0] } ?? false
        flows[id] = Flow(
            initiator: datagram.host, isExtended: offers && peerIsExtended,
            maximumDatagram: min(
                maximumDatagrams[datagram.host],
                datagram.peer.map { maximumDatagrams[$0] } ?? .max),
            message1: Array(datagram.bytes))
        return .handshake(1)
    }

    /// The header of data with a number that is plausible, though it may not be its turn; that of
    /// a handshake message is random.
    private static func looksLikeData(_ header: UInt64, _ isExtended: Bool) -> Bool {
        (header & ~keyPhaseBit) >> 32 == (isExtended ? extendedBit >> 32 : 0)
    }

    private mutating func checkData(
        _ length: Int, _ header: UInt64, _ flow: inout Flow, isInitiator: Bool
    ) throws(InvariantViolation) -> WireKind? {
        var direction = isInitiator ? flow.fromInitiator : flow.fromResponder
        let number = direction.nextNumber
        if flow.isExtended {
            guard header & ~Self.keyPhaseBit == Self.extendedBit | number else { return nil }
            let keyPhase = header & Self.keyPhaseBit != 0
            if keyPhase != direction.keyPhase { keyPhaseChanges += 1 }
            direction.keyPhase = keyPhase
        } else {
            guard header == number else { return nil }
            guard length <= Self.maximumBaseLength else {
                throw InvariantViolation("sent a datagram of \(length) bytes, above 1400")
            }
        }
        guard length <= flow.maximumDatagram else {
            throw InvariantViolation(
                "sent a datagram of \(length) bytes, above \(flow.maximumDatagram)")
        }
        direction.nextNumber += 1
        if isInitiator { flow.fromInitiator = direction } else { flow.fromResponder = direction }
        return .data(number: number)
    }

    private func checkInitiator(
        _ datagram: Outgoing, _ flow: inout Flow
    ) throws(InvariantViolation) -> WireKind? {
        let bytes = datagram.bytes
        if flow.message1.elementsEqual(bytes) { return .handshake(1) }
        let third = flow.isExtended ? Self.extendedThirdLength : Self.messageLengths[3]
        if flow.isAnswered, bytes.count == third {
            if let former = flow.message3, !former.elementsEqual(bytes) {
                throw InvariantViolation("repeated message 3 with other content")
            }
            flow.message3 = Array(bytes)
            return .handshake(3)
        }
        if !flow.isAnswered, flow.retries > 0, bytes.count > flow.message1.count,
            bytes.count <= Self.maximumBaseLength {
            flow.retries -= 1
            flow.message1 = Array(bytes)
            return .handshake(1)
        }
        guard flow.isAnswered else {
            throw InvariantViolation("repeated message 1 with other content")
        }
        return nil
    }

    /// What a responder sends that is no data.
    private func checkAnswer(
        _ datagram: Outgoing, _ header: UInt64, isExtended: Bool
    ) throws(InvariantViolation) -> WireKind {
        let length = datagram.bytes.count
        if !datagram.isOwn, let kind = resetKind(datagram, header) { return kind }
        guard length <= datagram.answers * Self.maximumAmplification else {
            throw InvariantViolation(
                "answered \(datagram.answers) bytes with \(length) (RFC 9000 §8.1)")
        }
        if length == Self.messageLengths[2] { return .handshake(2) }
        if isExtended, (105...Self.maximumBaseLength).contains(length) { return .handshake(2) }
        if isExtended, length < 104, length <= datagram.answers { return .retry }
        throw InvariantViolation("answered with \(length) bytes and the header "
            + String(header, radix: 16))
    }

    private func resetKind(_ datagram: Outgoing, _ header: UInt64) -> WireKind? {
        let length = datagram.bytes.count
        guard isExtended[datagram.host], header >> 32 == 0, length >= Self.minimumResetLength,
            length < datagram.answers
        else { return nil }
        return .statelessReset
    }
}
