import Noise

/// One connection, in either role: the state that its parts share.
///
/// Not thread-safe: it belongs to whoever owns the endpoint. The exceptions are `id`, `role` and
/// the two rings, which may be used from other threads as `StreamRing` says.
public final class Connection {
    /// Never used again within an endpoint; not the connection id on the wire.
    public let id: UInt64
    /// Which side has begun the connection.
    public let role: Role
    /// Bytes for the peer: the application writes, the protocol releases what is acknowledged.
    public let sendRing: StreamRing
    /// Bytes from the peer: the protocol writes, the application releases what it has read.
    public let receiveRing: StreamRing
    /// The peer's X25519 public key, 32 bytes; empty until the handshake has shown it.
    public internal(set) var remoteStaticKey: [UInt8] = []
    /// Where packets go now: the newest address of the peer, validated or not.
    public internal(set) var remoteAddress: SocketAddress
    /// Why it has ended; `nil` while it has not.
    public internal(set) var closeReason: CloseReason?
    /// With which the peer has reset the connection.
    public internal(set) var resetCode: ResetCode?
    /// It has ended and does not come back.
    public var isClosed: Bool { closeReason != nil }

    let wireID: ConnectionID
    let shared: EndpointShared

    // Handshake; see Connection+Handshake.swift.
    var handshake: OutboundHandshake?
    var thirdMessage = ThirdMessage()

    // Transport keys; of no use before `isEstablished`.
    var keys = KeyPhases()
    var isEstablished = false
    /// The number of the next datagram, which is its nonce.
    var nextNonce: UInt64 = 0
    var replayWindow = ReplayWindow()

    /// Whether both sides speak the extended protocol, which can end streams and carry messages.
    public internal(set) var isExtended = false
    /// Of use only then.
    var extended = ExtendedTransport()

    // Both protocols.
    var recovery: LossRecovery
    /// Stream bytes that have been put into packets once.
    var segmentedUpTo: UInt64 = 0
    var receiveTuning = BufferTuning()
    var keepAlivesToSend = 0

    // The base protocol; see Connection+BaseReceive.swift and Connection+BaseTransmit.swift.
    var assembler: ReceiveAssembler
    var segments: SegmentTable
    var pendingAcknowledgements = SequenceRing<UInt32>(start: 0, filler: 0, initialCapacity: 1)
    /// Of use only when the application confirms deliveries.
    var confirmedSegments: ConfirmedSegments
    var wantsWindowUpdate = false
    var lastToldWindow = 0
    var peerWindow: Int
    var newestWindowNonce: UInt64?
    var isReference = false
    /// When the closed window of the peer is probed with one more segment.
    var windowProbeAt: Instant?
    var windowProbes = 0

    // Timers; see Connection+Timers.swift.
    var hasSentSinceHeard = false
    var idleSince: Instant
    var lastSentAt: Instant
    /// What makes the connection end, and what the peer is told of it.
    var endReason: CloseReason?
    var ownResetCode = ResetCode.closed
    /// Why packets were lost last, for the count of what is sent again.
    var lastLossCause = RetransmissionCause.packetThreshold
    /// When pacing lets the next packet leave, if that is what it waits for.
    var pacedUntil: Instant?

    // What the endpoint keeps about it.
    var isReadyToSend = false
    var isTouched = false
    var isChanged = false
    var hasReadableEvent = false
    var hasWritableEvent = false
    var heapDeadline: Instant = .distantFuture
    var heapIndex: Int?

    var packetsSent: UInt64 = 0
    var packetsReceived: UInt64 = 0
    var duplicatesReceived: UInt64 = 0
    /// Indexed as the causes are.
    var retransmissions = [UInt64](repeating: 0, count: RetransmissionCause.allCases.count)

    /// A first flight, in segments: what a peer is trusted to take until it says otherwise.
    static let initialPeerWindow = 10

    init(
        id: UInt64, role: Role, wireID: ConnectionID, remoteAddress: SocketAddress,
        congestionControl: CongestionControlAlgorithm?, shared: EndpointShared, now: Instant
    ) {
        let configuration = shared.configuration
        self.id = id
        self.role = role
        self.wireID = wireID
        self.remoteAddress = remoteAddress
        self.shared = shared
        let budget = configuration.memoryBudget
        let first = configuration.initialBufferBytes
        let rings = [configuration.sendBufferBytes, configuration.receiveBufferBytes].map {
            configuration.elidesPayload
                ? StreamRing.withoutStorage(capacity: $0)
                : StreamRing(capacity: $0, limit: min(first, $0), pool: budget)
        }
        sendRing = rings[0]
        receiveRing = rings[1]
        assembler = ReceiveAssembler(
            ring: receiveRing, initialSequenceNumber: configuration.initialSequenceNumber)
        confirmedSegments = ConfirmedSegments(
            initialSequenceNumber: configuration.initialSequenceNumber)
        segments = SegmentTable(initialSequenceNumber: configuration.initialSequenceNumber)
        recovery = LossRecovery(
            algorithm: congestionControl ?? configuration.congestionControl,
            datagramSize: WireFormat.initialDatagram, idleTimeout: configuration.idleTimeout)
        peerWindow = Self.initialPeerWindow
        lastToldWindow = assembler.largestWindow
        idleSince = now
        lastSentAt = now
    }

    /// Bytes the application has written that have not been sent once.
    var unsentBytes: Int { Int(sendRing.endPosition - segmentedUpTo) }

    /// The peer is told of deliveries by `Endpoint.confirmDelivery(on:upTo:now:)`.
    public var confirmsDelivery: Bool { shared.configuration.confirmsDelivery }
    /// How sending adapts to the path; settled when the connection began.
    public var congestionControl: CongestionControlAlgorithm { recovery.controller.algorithm }
    /// The application protocol agreed on in the handshake, if both sides named one in common.
    public var applicationProtocol: String? { extended.applicationProtocol }
    /// The peer's stream has ended, and all of it is in the receive ring.
    public var isRemoteStreamComplete: Bool {
        extended.receiveStream.isComplete(receiveRing)
    }
    /// Our stream has ended, and the peer has acknowledged all of it, the end included.
    public var isSendStreamComplete: Bool { extended.sendStream.isComplete }
}

/// What an endpoint and its connections share: the configuration and the totals.
final class EndpointShared {
    let configuration: EndpointConfiguration
    let random: (UnsafeMutableRawBufferPointer) -> Void
    var statistics = EndpointStatistics()

    init(
        configuration: EndpointConfiguration,
        random: @escaping (UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.configuration = configuration
        self.random = random
    }

    func countDrop(_ reason: DropReason) {
        statistics.dropsByReason[reason.index] += 1
    }

    func randomWord() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { random($0) }
        return word
    }
}
