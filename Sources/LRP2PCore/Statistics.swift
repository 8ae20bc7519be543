/// Why a received datagram was dropped. Each reason is one label value of a counter.
public enum DropReason: String, CaseIterable, Sendable {
    /// Shorter than the shortest datagram it could be.
    case tooShort = "too_short"
    /// Longer than a datagram or a segment may be.
    case tooLong = "too_long"
    /// For a connection that does not exist, and not the start of one.
    case unknownConnection = "unknown_connection"
    /// Failed authentication: forged, damaged, or encrypted with other keys.
    case unauthenticated = "unauthenticated"
    /// Authentic, but its nonce was received before or is older than the replay window.
    case replayed = "replayed"
    /// Authentic, but not a segment of the protocol.
    case malformed = "malformed"
    /// The start of a handshake while a limit on unfinished handshakes or connections was reached.
    case handshakeLimit = "handshake_limit"
    /// Data that overtook the handshake, beyond the number that is kept for it.
    case earlyDataLimit = "early_data_limit"
    /// A data segment for which the receive buffer has no room.
    case receiveBufferFull = "receive_buffer_full"
    /// An acknowledgement of something that was never sent.
    case invalidAcknowledgement = "invalid_acknowledgement"
    /// The end of the handshake of a peer that may not connect (`EndpointConfiguration.admits`).
    case peerNotAllowed = "peer_not_allowed"
    /// It arrived at one of the socket's threads for another, whose queue was full.
    case handoverLimit = "handover_limit"
}

/// Why a handshake that we began did not lead to a connection. Each is one label value of a
/// counter.
public enum OutboundHandshakeFailure: String, CaseIterable, Sendable {
    /// No answer in time: nobody is there, or something on the way drops the datagrams.
    case timeout
    /// Given up by whoever asked for it, before its time.
    case cancelled
    /// Another peer answered than the one that was asked for.
    case peerMismatch = "peer_mismatch"
    /// The peer that answered is not one there may be connections with.
    case peerNotAllowed = "peer_not_allowed"
    /// The peer answered, and never showed that it had our last message: it may not admit us. The
    /// connection was there on our side until then.
    case unconfirmed
    /// The address leads back to this endpoint.
    case connectedToSelf = "connected_to_self"
}

/// Why a handshake that a peer began did not lead to a connection. Each is one label value of a
/// counter.
public enum InboundHandshakeFailure: String, CaseIterable, Sendable {
    /// Begun by a peer, and not finished in time.
    case timeout
    /// The peer is not one there may be connections with (`EndpointConfiguration.admits`).
    case peerNotAllowed = "peer_not_allowed"
    /// Not answered, because of a limit on unfinished handshakes or connections. Each attempt of the
    /// peer counts.
    case limit
    /// One datagram that could have begun a handshake, and nothing after it: more likely a port
    /// scan than a peer, which would have offered something, or said it again.
    case probe
}

/// What keeps a connection from sending faster at this moment.
public enum SendLimit: String, CaseIterable, Sendable {
    /// The congestion window is full.
    case network
    /// The peer's window is full: its reader is slow.
    case peerWindow = "peer_window"
    /// Our own receive buffer is full: the local reader holds the peer back.
    case localReader = "local_reader"
    /// Nothing is waiting to be sent.
    case application
}

/// Why a segment was sent again.
public enum RetransmissionCause: String, CaseIterable, Sendable {
    /// Enough later segments were acknowledged (RFC 9002 §6.1.1).
    case packetThreshold = "packet_threshold"
    /// A later one was acknowledged and enough time has passed (RFC 9002 §6.1.2).
    case timeThreshold = "time_threshold"
    /// Nothing was acknowledged for a whole probe timeout (RFC 9002 §6.2).
    case probeTimeout = "probe_timeout"
}

/// The figures of one connection, read from the live transport. Byte counts are application bytes.
public struct ConnectionStatistics: Sendable {
    /// The latest sample of the round trip time; `nil` before the first, as with the next three.
    public var latestRTT: Interval?
    /// Its moving average (RFC 9002 §5.3).
    public var smoothedRTT: Interval?
    /// How much it varies (RFC 9002 §5.3).
    public var rttVariation: Interval?
    /// The least sample so far (RFC 9002 §5.2).
    public var minimumRTT: Interval?

    /// Bytes of a full datagram on this path now.
    public var datagramBytes = 0
    /// How many full datagrams may be in flight.
    public var congestionWindowPackets = 0
    /// `nil` until the first congestion event.
    public var slowStartThresholdPackets: Int?
    /// How many segments the peer allows in flight.
    public var peerWindowPackets = 0
    /// How many segments we allow the peer, as last told to it.
    public var localWindowPackets = 0
    /// Sent, and neither acknowledged nor given up as lost.
    public var packetsInFlight = 0

    /// Datagrams of this connection, every kind.
    public var packetsSent: UInt64 = 0
    /// Datagrams of this connection that were authentic and new.
    public var packetsReceived: UInt64 = 0
    /// Counted by ``RetransmissionCause/packetThreshold``.
    public var retransmissionsByPacketThreshold: UInt64 = 0
    /// Counted by ``RetransmissionCause/timeThreshold``.
    public var retransmissionsByTimeThreshold: UInt64 = 0
    /// Counted by ``RetransmissionCause/probeTimeout``.
    public var retransmissionsByProbeTimeout: UInt64 = 0
    /// Retransmissions that turned out to have been unnecessary.
    public var spuriousRetransmissions: UInt64 = 0
    /// Data that had been received before.
    public var duplicatesReceived: UInt64 = 0

    /// Bytes sent for the first time.
    public var sentBytes: UInt64 = 0
    /// Bytes the peer has acknowledged, without gaps.
    public var acknowledgedBytes: UInt64 = 0
    /// Bytes received, in order.
    public var receivedBytes: UInt64 = 0
    /// Bytes written by the application that the peer has not acknowledged.
    public var sendQueueBytes = 0
    /// Bytes received in order that the application has not released.
    public var receiveUnacknowledgedBytes = 0
    /// What keeps it from sending faster at the moment of this reading.
    public var limitedBy: SendLimit = .application
    /// Unreliable messages that were dropped here, sent or received, because too many waited or the
    /// path had become too small for them.
    public var messagesDropped: UInt64 = 0
    /// How often the peer's keys have changed.
    public var keyPhase: UInt64 = 0

    public init() {}

    /// The retransmissions with one cause.
    public func retransmissions(by cause: RetransmissionCause) -> UInt64 {
        switch cause {
        case .packetThreshold: retransmissionsByPacketThreshold
        case .timeThreshold: retransmissionsByTimeThreshold
        case .probeTimeout: retransmissionsByProbeTimeout
        }
    }

    /// The retransmissions with any cause.
    public var retransmissions: UInt64 {
        RetransmissionCause.allCases.reduce(0) { $0 + retransmissions(by: $1) }
    }
}

/// The totals of one endpoint since it was made. They never go down, whatever connections end.
public struct EndpointStatistics: Sendable {
    /// Datagrams sent, every kind.
    public var packetsSent: UInt64 = 0
    /// Datagrams received, every kind, those that were dropped included.
    public var packetsReceived: UInt64 = 0
    /// Application bytes sent for the first time.
    public var sentBytes: UInt64 = 0
    /// Application bytes received, in order.
    public var receivedBytes: UInt64 = 0
    /// Indexed by the position of the cause in `RetransmissionCause.allCases`.
    public var retransmissionsByCause = [UInt64](
        repeating: 0, count: RetransmissionCause.allCases.count)
    /// Indexed by the position of the reason in `DropReason.allCases`.
    public var dropsByReason = [UInt64](repeating: 0, count: DropReason.allCases.count)
    /// Handshakes that peers have begun and not finished, now.
    public var handshakesInProgress = 0
    /// Handshakes begun here that led to no connection. A cause that never was is absent.
    public var outboundHandshakeFailures: [OutboundHandshakeFailure: UInt64] = [:]
    /// The same of those that peers have begun.
    public var inboundHandshakeFailures: [InboundHandshakeFailure: UInt64] = [:]
    /// From the first message to the connection, in either role.
    public var handshakeDurations = Histogram(upperBoundsInSeconds: [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ])
    /// Samples of the round trip time, of all connections.
    public var rttSamples = Histogram(upperBoundsInSeconds: [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
    ])

    public init() {}

    /// The totals of both, of endpoints that are parts of one socket.
    public static func + (a: EndpointStatistics, b: EndpointStatistics) -> EndpointStatistics {
        var sum = a
        sum.packetsSent += b.packetsSent
        sum.packetsReceived += b.packetsReceived
        sum.sentBytes += b.sentBytes
        sum.receivedBytes += b.receivedBytes
        for i in sum.retransmissionsByCause.indices {
            sum.retransmissionsByCause[i] += b.retransmissionsByCause[i]
        }
        for i in sum.dropsByReason.indices { sum.dropsByReason[i] += b.dropsByReason[i] }
        sum.handshakesInProgress += b.handshakesInProgress
        sum.outboundHandshakeFailures.merge(b.outboundHandshakeFailures, uniquingKeysWith: +)
        sum.inboundHandshakeFailures.merge(b.inboundHandshakeFailures, uniquingKeysWith: +)
        sum.handshakeDurations.add(b.handshakeDurations)
        sum.rttSamples.add(b.rttSamples)
        return sum
    }
}

/// Counts of observations per bucket, as Prometheus wants them, with the sum of all.
public struct Histogram: Sendable {
    /// Inclusive upper bounds, ascending; one further bucket takes what is beyond the last.
    public let upperBoundsInSeconds: [Double]
    /// Observations per bucket, not cumulative; one more entry than bounds.
    public private(set) var counts: [UInt64]
    /// Of all observations.
    public private(set) var sumInSeconds = 0.0

    public init(upperBoundsInSeconds: [Double]) {
        self.upperBoundsInSeconds = upperBoundsInSeconds
        counts = [UInt64](repeating: 0, count: upperBoundsInSeconds.count + 1)
    }

    /// Counts an interval in its bucket.
    public mutating func observe(_ interval: Interval) {
        let seconds = interval.inSeconds
        let bucket = upperBoundsInSeconds.firstIndex { seconds <= $0 } ?? upperBoundsInSeconds.count
        counts[bucket] += 1
        sumInSeconds += seconds
    }

    /// Adds the observations of another one with the same bounds.
    mutating func add(_ other: Histogram) {
        precondition(upperBoundsInSeconds == other.upperBoundsInSeconds)
        for i in counts.indices { counts[i] += other.counts[i] }
        sumInSeconds += other.sumInSeconds
    }
}

extension DropReason {
    /// Its position among all reasons.
    var index: Int { Self.indices[self] ?? 0 }

    private static let indices = Dictionary(
        uniqueKeysWithValues: zip(allCases, allCases.indices))
}

extension RetransmissionCause {
    /// Its position among all cases.
    var index: Int {
        switch self {
        case .packetThreshold: 0
        case .timeThreshold: 1
        case .probeTimeout: 2
        }
    }
}
