import Noise
import Sodium

/// A handshake that a peer has begun and not finished. Small, because anyone can begin one.
final class InboundHandshake {
    /// Datagrams that overtook message 3 and are tried after it (hazard 9).
    static let maximumEarlyDatagrams = 8

    let wireID: ConnectionID
    let source: SocketAddress
    let startedAt: Instant
    /// A repetition of this gets the same answer (hazard 1).
    let firstDatagram: [UInt8]
    /// The answer, sent again as it is.
    let secondDatagram: [UInt8]
    var answersSent = 0
    /// Finished, given up, or expired.
    var hasEnded = false
    private(set) var early: [[UInt8]] = []
    private var state: HandshakeState

    /// Reads message 1 and writes message 2.
    init(
        firstDatagram: UnsafeRawBufferPointer, source: SocketAddress,
        staticKey: consuming SecretBytes, ephemeralKey: consuming SecretBytes, now: Instant
    ) throws(NoiseError) {
        var state = HandshakeState(
            isInitiator: false, staticKey: staticKey, ephemeralKey: ephemeralKey)
        let id = UnsafeRawBufferPointer(
            rebasing: firstDatagram[..<WireFormat.connectionIDLength])
        _ = try state.readMessage(
            UnsafeRawBufferPointer(rebasing: firstDatagram[WireFormat.connectionIDLength...]))
        secondDatagram = Array(id) + (try state.writeMessage())
        self.state = state
        self.firstDatagram = Array(firstDatagram)
        wireID = ConnectionID(startOf: firstDatagram)
        self.source = source
        startedAt = now
    }

    /// Reads message 3 and returns its payload. A forgery changes nothing.
    func readThirdMessage(_ datagram: UnsafeRawBufferPointer) throws(NoiseError) -> [UInt8] {
        try state.readMessage(
            UnsafeRawBufferPointer(rebasing: datagram[WireFormat.connectionIDLength...]))
    }

    /// The initiator's static key, known after message 3.
    var remoteStaticKey: [UInt8] { state.remoteStaticKey }

    func split() -> TransportKeys { state.split() }

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
    private var countByHost: [SocketAddress.Host: Int] = [:]
    /// In order of their start, which is the order in which they expire. Those that have ended
    /// otherwise are skipped.
    private var order = SequenceRing<InboundHandshake?>(start: 0, filler: nil)
    private(set) var count = 0
    private let configuration: EndpointConfiguration

    init(configuration: EndpointConfiguration) {
        self.configuration = configuration
    }

    /// The handshakes that a datagram with this connection id may belong to, oldest first.
    func candidates(for id: ConnectionID) -> [InboundHandshake] { byID[id] ?? [] }

    func hasRoom(for id: ConnectionID, from host: SocketAddress.Host) -> Bool {
        count < configuration.maximumHandshakes
            && countByHost[host, default: 0] < configuration.maximumHandshakesPerHost
            && candidates(for: id).count < Self.maximumCandidates
    }

    mutating func insert(_ handshake: InboundHandshake) {
        byID[handshake.wireID, default: []].append(handshake)
        countByHost[handshake.source.host, default: 0] += 1
        order.append(handshake)
        count += 1
    }

    mutating func remove(_ handshake: InboundHandshake) {
        guard !handshake.hasEnded else { return }
        handshake.hasEnded = true
        count -= 1
        let left = candidates(for: handshake.wireID).filter { !$0.hasEnded }
        byID[handshake.wireID] = left.isEmpty ? nil : left
        let host = handshake.source.host
        let ofHost = countByHost[host, default: 1] - 1
        countByHost[host] = ofHost > 0 ? ofHost : nil
        while !order.isEmpty, order[order.start]?.hasEnded ?? true { _ = order.removeFirst() }
    }

    /// When the oldest one expires.
    var deadline: Instant? {
        guard !order.isEmpty, let oldest = order[order.start] else { return nil }
        return oldest.startedAt + configuration.handshakeTimeout
    }

    mutating func removeExpired(now: Instant) {
        while let deadline, deadline <= now, let oldest = order[order.start] { remove(oldest) }
    }
}
