import Noise
import Sodium

/// A handshake that a peer has begun and not finished. Small, because anyone can begin one.
final class InboundHandshake {
    /// Datagrams that overtook message 3 and are tried after it (hazard 9): a first flight, none
    /// of which is longer than connections begin with.
    static let maximumEarlyDatagrams = 12

    let wireID: ConnectionID
    let source: SocketAddress
    /// The initiator has shown that it is at its source address.
    let isValidated: Bool
    let startedAt: Instant
    /// A repetition of this gets the same answer (hazard 1).
    let firstDatagram: [UInt8]
    /// What was agreed on, if the peer offered anything and so do we.
    private(set) var terms: (peer: TransportParameters, own: TransportParameters)?
    /// The answer, sent again as it is.
    let secondDatagram: [UInt8]
    var answersSent = 0
    private(set) var early: [[UInt8]] = []
    private var state: HandshakeState

    /// Reads message 1 and writes message 2.
    ///
    /// - Parameter own: what we have to offer; `nil` for the base protocol alone.
    init(
        firstDatagram: UnsafeRawBufferPointer, source: SocketAddress, isValidated: Bool = false,
        own: TransportParameters?,
        staticKey: consuming SecretBytes, staticPublicKey: [UInt8],
        ephemeralKey: consuming SecretBytes, now: Instant
    ) throws(NoiseError) {
        var state = HandshakeState(
            isInitiator: false, staticKey: staticKey, staticPublicKey: staticPublicKey,
            ephemeralKey: ephemeralKey)
        let id = UnsafeRawBufferPointer(
            rebasing: firstDatagram[..<WireFormat.connectionIDLength])
        let payload = try state.readMessage(
            UnsafeRawBufferPointer(rebasing: firstDatagram[WireFormat.connectionIDLength...]))
        var answer: [UInt8] = []
        if let own, let offer = TransportParameters.parse(payload) {
            (terms, answer) = Self.agree(
                on: offer, with: own, lengthOfOffer: firstDatagram.count)
        } else {
            terms = nil
        }
        secondDatagram = Array(id) + (try state.writeMessage(payload: answer))
        self.state = state
        self.firstDatagram = Array(firstDatagram)
        wireID = ConnectionID(startOf: firstDatagram)
        self.source = source
        self.isValidated = isValidated
        startedAt = now
    }

    /// The terms and our answer; none when it would be longer than the offer deserves.
    private static func agree(
        on offer: TransportParameters, with own: TransportParameters, lengthOfOffer: Int
    ) -> ((peer: TransportParameters, own: TransportParameters)?, answer: [UInt8]) {
        let answer = TransportParameters.answer(to: offer, with: own)
        let payload = answer.encode()
        guard answer.features.contains(.extendedTransport),
            WireFormat.laterMessages[0] + payload.count
                <= lengthOfOffer * WireFormat.amplificationLimit
        else { return (nil, []) }
        var peer = offer
        // In message 1 it is no secret: it comes with message 3.
        peer.statelessResetToken = nil
        peer.features = answer.features
        peer.applicationProtocols = answer.applicationProtocols
        return ((peer, answer), payload)
    }

    /// Reads message 3. A forgery changes nothing.
    func readThirdMessage(_ datagram: UnsafeRawBufferPointer) throws(NoiseError) {
        let payload = try state.readMessage(
            UnsafeRawBufferPointer(rebasing: datagram[WireFormat.connectionIDLength...]))
        terms?.peer.statelessResetToken =
            TransportParameters.parse(payload)?.statelessResetToken
    }

    /// The initiator's static key, known after message 3.
    var remoteStaticKey: [UInt8] { state.remoteStaticKey }

    func split() -> TransportKeys { state.split() }

    /// Whether more speaks for a peer than one datagram of the right length: it has offered
    /// something, or asked again, or gone on.
    var isByPeer: Bool { terms != nil || answersSent > 1 || !early.isEmpty }

    /// Keeps a datagram that came too early. Returns whether there was room.
    func keepEarly(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard early.count < Self.maximumEarlyDatagrams else { return false }
        early.append(Array(datagram))
        return true
    }
}

/// The unfinished inbound handshakes, within their limits.
struct InboundHandshakes {
    /// Handshakes with the same connection id. A first message that was damaged on the way, or
    /// forged, makes one that leads nowhere, and must not stand in the way of the true one.
    static let maximumCandidates = 4

    private var byID: [ConnectionID: [InboundHandshake]] = [:]
    /// A host has the same room twice: others that use its address take none from those that have
    /// shown that it is theirs.
    private var countByOrigin: [Origin: Int] = [:]

    private struct Origin: Hashable {
        let host: SocketAddress.Host
        let isValidated: Bool
    }
    /// In order of their start, which is the order in which they expire. Those that have ended
    /// otherwise are skipped, and their secrets are gone already.
    private var order = SequenceRing<Started>(start: 0, filler: Started())

    private struct Started {
        var id = ConnectionID(rawValue: 0)
        var at = Instant(nanoseconds: 0)
    }

    private(set) var count = 0
    private let configuration: EndpointConfiguration

    init(configuration: EndpointConfiguration) {
        self.configuration = configuration
    }

    /// The handshakes that a datagram with this connection id may belong to, oldest first.
    func candidates(for id: ConnectionID) -> [InboundHandshake] { byID[id] ?? [] }

    /// Whether a host has as many unfinished handshakes as it may have.
    ///
    /// - Parameter isValidated: of those that have shown their address, or of the others.
    func isHostFull(_ host: SocketAddress.Host, isValidated: Bool = false) -> Bool {
        countByOrigin[Origin(host: host, isValidated: isValidated), default: 0]
            >= configuration.maximumHandshakesPerHost
    }

    /// - Parameter isValidated: the initiator has shown that it is where it says it is.
    func hasRoom(
        for id: ConnectionID, from host: SocketAddress.Host, isValidated: Bool
    ) -> Bool {
        count < configuration.maximumHandshakes && !isHostFull(host, isValidated: isValidated)
            && candidates(for: id).count < Self.maximumCandidates
    }

    mutating func insert(_ handshake: InboundHandshake) {
        byID[handshake.wireID, default: []].append(handshake)
        countByOrigin[origin(of: handshake), default: 0] += 1
        count += 1
        if order.count >= 2 * configuration.maximumHandshakes + 1024 { dropEnded() }
        order.append(Started(id: handshake.wireID, at: handshake.startedAt))
    }

    mutating func remove(_ handshake: InboundHandshake) {
        let candidates = candidates(for: handshake.wireID)
        let left = candidates.filter { $0 !== handshake }
        guard left.count < candidates.count else { return }
        byID[handshake.wireID] = left.isEmpty ? nil : left
        count -= 1
        let origin = origin(of: handshake)
        let ofOrigin = countByOrigin[origin, default: 1] - 1
        countByOrigin[origin] = ofOrigin > 0 ? ofOrigin : nil
        while !order.isEmpty, live(order[order.start]) == nil { _ = order.removeFirst() }
    }

    private func origin(of handshake: InboundHandshake) -> Origin {
        Origin(host: handshake.source.host, isValidated: handshake.isValidated)
    }

    private func live(_ started: Started) -> InboundHandshake? {
        byID[started.id]?.first { $0.startedAt == started.at }
    }

    /// Forgets when those started that one which has not ended keeps in the line.
    private mutating func dropEnded() {
        var compact = SequenceRing<Started>(start: 0, filler: Started())
        for index in order.start..<order.end where live(order[index]) != nil {
            compact.append(order[index])
        }
        order = compact
    }

    /// When the oldest one expires.
    var deadline: Instant? {
        order.isEmpty ? nil : order[order.start].at + configuration.handshakeTimeout
    }

    /// Returns those whose time was over.
    mutating func removeExpired(now: Instant) -> [InboundHandshake] {
        var expired: [InboundHandshake] = []
        while let deadline, deadline <= now {
            let oldest = order.removeFirst()
            guard let handshake = live(oldest) else { continue }
            remove(handshake)
            expired.append(handshake)
        }
        return expired
    }
}
