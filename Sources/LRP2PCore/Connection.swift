import Noise

/// One connection, in either role: the state that its parts share.
///
/// Not thread-safe: it belongs to whoever owns the endpoint. The exceptions are `id`, `role` and
/// the two rings, which may be used from other threads as `StreamRing` says.
public final class Connection {
    /// Never used again within an endpoint; not the connection id on the wire.
    public let id: UInt64
    public let role: Role
    /// Bytes for the peer: the application writes, the protocol releases what is acknowledged.
    public let sendRing: StreamRing
    /// Bytes from the peer: the protocol writes, the application releases what it has read.
    public let receiveRing: StreamRing
    /// The peer's X25519 public key, 32 bytes; empty until the handshake has shown it.
    public internal(set) var remoteStaticKey: [UInt8] = []
    /// The payloads of the peer's handshake messages, in order: that of message 2, or those of 1
    /// and 3. Empty ones from a base peer (PROTOCOL.md §3).
    public internal(set) var remoteHandshakePayloads: [[UInt8]] = []
    public internal(set) var remoteAddress: SocketAddress
    public internal(set) var closeReason: CloseReason?
    public var isClosed: Bool { closeReason != nil }

    let wireID: ConnectionID
    let shared: EndpointShared

    // Handshake; see Connection+Handshake.swift.
    var handshake: OutboundHandshake?
    var thirdMessage = ThirdMessage()

    // Transport keys; of no use before `isEstablished`.
    var sendingKey = CipherState.unusable
    var receivingKey = CipherState.unusable
    var isEstablished = false
    var nextNonce: UInt64 = 0
    var replayWindow = ReplayWindow()

    // Receiving.
    var assembler: ReceiveAssembler
    var pendingAcknowledgements = SequenceRing<UInt32>(start: 0, filler: 0)
    var wantsWindowUpdate = false
    var lastToldWindow = 0
    var duplicatesReceived: UInt64 = 0

    // Sending.
    var recovery: LossRecovery<Cubic>
    /// Stream bytes that have been cut into segments.
    var segmentedUpTo: UInt64 = 0
    var peerWindow: Int
    var newestWindowNonce: UInt64?
    var isReference = false
    var keepAlivesToSend = 0
    /// When the closed window of the peer is probed with one more segment.
    var windowProbeAt: Instant?
    var windowProbes = 0

    // Timers; see Connection+Timers.swift.
    var hasSentSinceHeard = false
    var idleSince: Instant
    var lastSentAt: Instant

    // What the endpoint keeps about it.
    var isReadyToSend = false
    var isTouched = false
    var hasReadableEvent = false
    var hasWritableEvent = false
    var heapDeadline: Instant = .distantFuture
    var heapIndex: Int?

    var packetsSent: UInt64 = 0
    var packetsReceived: UInt64 = 0

    init(
        id: UInt64, role: Role, wireID: ConnectionID, remoteAddress: SocketAddress,
        shared: EndpointShared, now: Instant
    ) {
        let configuration = shared.configuration
        self.id = id
        self.role = role
        self.wireID = wireID
        self.remoteAddress = remoteAddress
        self.shared = shared
        sendRing = StreamRing(capacity: configuration.sendBufferBytes)
        receiveRing = StreamRing(capacity: configuration.receiveBufferBytes)
        assembler = ReceiveAssembler(
            ring: receiveRing, initialSequenceNumber: configuration.initialSequenceNumber)
        recovery = LossRecovery(
            initialSequenceNumber: configuration.initialSequenceNumber,
            idleTimeout: configuration.idleTimeout)
        // Until it says otherwise, a peer is trusted to take a first flight.
        peerWindow = Cubic.initialCongestionWindow
        lastToldWindow = assembler.largestWindow
        idleSince = now
        lastSentAt = now
    }

    /// Bytes the application has written that have not been sent once.
    var unsentBytes: Int { Int(sendRing.endPosition - segmentedUpTo) }
}

/// What an endpoint and its connections share: the configuration and the totals.
final class EndpointShared {
    let configuration: EndpointConfiguration
    var statistics = EndpointStatistics()

    init(configuration: EndpointConfiguration) {
        self.configuration = configuration
    }

    func countDrop(_ reason: DropReason) {
        statistics.dropsByReason[reason.index] += 1
    }
}

extension Connection {
    /// The figures as they are now.
    public var statistics: ConnectionStatistics {
        var result = ConnectionStatistics()
        let rtt = recovery.rtt
        if rtt.hasSample {
            result.latestRTT = rtt.latest
            result.smoothedRTT = rtt.smoothed
            result.rttVariation = rtt.variation
            result.minimumRTT = rtt.minimum
        }
        result.congestionWindowPackets = recovery.controller.congestionWindow
        result.slowStartThresholdPackets = recovery.controller.slowStartThreshold
        result.peerWindowPackets = peerWindow
        result.localWindowPackets = lastToldWindow
        result.packetsInFlight = recovery.inFlight
        result.packetsSent = packetsSent
        result.packetsReceived = packetsReceived
        result.retransmissionsByPacketThreshold = recovery.retransmissions[0]
        result.retransmissionsByTimeThreshold = recovery.retransmissions[1]
        result.retransmissionsByProbeTimeout = recovery.retransmissions[2]
        result.spuriousRetransmissions = recovery.spuriousRetransmissions
        result.duplicatesReceived = duplicatesReceived
        result.sentBytes = segmentedUpTo
        result.acknowledgedBytes = sendRing.startPosition
        result.receivedBytes = receiveRing.endPosition
        result.sendQueueBytes = sendRing.count
        result.receiveUnacknowledgedBytes = receiveRing.count
        result.limitedBy = sendLimit
        return result
    }

    private var sendLimit: SendLimit {
        if unsentBytes > 0 || recovery.unacknowledged > recovery.inFlight {
            if recovery.unacknowledged >= peerWindow { return .peerWindow }
            return .network
        }
        return lastToldWindow == 0 ? .localReader : .application
    }
}
