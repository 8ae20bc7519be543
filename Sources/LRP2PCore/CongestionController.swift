/// Decides how many bytes may be in flight and how fast they leave. One file for each algorithm.
///
/// A value type without I/O; what it needs to know is passed in. Loss recovery calls it in this
/// order for each acknowledgement: `onLoss` for every packet newly declared lost,
/// `onCongestionEvent` if these losses begin a new event, then `onAcknowledgement` once. Losses
/// that a timer finds end with `onCongestionEvent`.
protocol CongestionController: Sendable {
    /// - Parameter maximumDatagramSize: bytes of the largest datagram that the path carries as far
    ///   as is known.
    init(maximumDatagramSize: Int)

    /// Bytes that may be in flight, at least two datagrams.
    var congestionWindow: Int { get }
    /// Bytes; `nil` until the first congestion event, and for an algorithm that has none.
    var slowStartThreshold: Int? { get }
    /// Bytes per second; `nil` as long as there is no RTT sample to derive it from: do not pace.
    func pacingRate(rtt: RTTEstimator) -> Double?

    /// A packet that counts as in flight is sent. Called for each: must be cheap.
    ///
    /// - Parameter isApplicationLimited: as the delivery rate estimator has it.
    mutating func onSend(
        size: Int, bytesInFlightBefore: Int, isApplicationLimited: Bool, now: Instant)
    /// An acknowledgement was processed completely, its losses included.
    mutating func onAcknowledgement(_ sample: AcknowledgementSample, rtt: RTTEstimator)
    /// One packet was declared lost.
    mutating func onLoss(_ sample: LossSample)
    /// A packet sent after the last event was lost, or carried a congestion mark
    /// (RFC 9002 §7.3.2): once a round trip at most.
    ///
    /// - Parameter isExplicit: whether it is a mark (ECN-CE) and not a loss.
    mutating func onCongestionEvent(now: Instant, isExplicit: Bool)
    /// Nothing came through for several probe timeouts (RFC 9002 §7.6).
    mutating func onPersistentCongestion()
    /// Every loss since the copy `before` was made proved to be none (RFC 9438 §4.9).
    ///
    /// - Parameter before: made before the first `onLoss` of the event, which may change the model.
    mutating func undo(to before: Self)
    /// The path's MTU was found to be larger, or became smaller.
    mutating func didChangeMaximumDatagramSize(_ size: Int)
}

extension CongestionController {
    /// Bytes (RFC 9002 §7.2).
    static func initialCongestionWindow(maximumDatagramSize size: Int) -> Int {
        min(10 * size, max(2 * size, 14_720))
    }

    /// Bytes (RFC 9002 §7.2): fewer than two datagrams would leave every acknowledgement waiting
    /// for the peer's delay, and with one datagram the window could not hold a larger one at all.
    static func minimumCongestionWindow(maximumDatagramSize size: Int) -> Int { 2 * size }
}

/// What one acknowledgement told. Made once for each, after its losses were found.
struct AcknowledgementSample: Sendable {
    var now: Instant
    /// Bytes newly acknowledged.
    var acknowledgedBytes: Int
    /// Of these, the bytes of packets sent after the last congestion event, including an event
    /// that this very acknowledgement revealed: only these grow a window (RFC 9002 §7.3.2).
    var acknowledgedSinceEvent: Int
    /// Bytes newly declared lost.
    var lostBytes: Int
    /// Bytes in flight before and after the acknowledgement.
    var priorBytesInFlight: Int
    var bytesInFlight: Int
    /// Whether the window was in full use when there was last a chance to send, or would have been
    /// but for pacing; one that is not must not grow (RFC 9002 §7.8).
    var isWindowLimited: Bool
    /// The largest packet number acknowledged so far.
    var largestAcknowledged: UInt64
    /// The number of the next packet: the first one that is sent after this acknowledgement.
    var nextPacketNumber: UInt64
    /// Of the largest packet newly acknowledged; `nil` if there is no sample of the RTT from it.
    var latestRTT: Interval?
    var delivery: DeliverySample?
    /// Bytes delivered and lost since the connection began, this acknowledgement included.
    var totalDelivered: UInt64
    var totalLost: UInt64
}

/// One packet that was declared lost.
struct LossSample: Sendable {
    var now: Instant
    /// Bytes.
    var size: Int
    var stamp: DeliveryStamp
    /// Whether it was sent when the application had too little to fill the path.
    var isApplicationLimited: Bool
    /// Bytes in flight without this packet.
    var bytesInFlight: Int
    /// Bytes delivered and lost since the connection began, this packet included.
    var totalDelivered: UInt64
    var totalLost: UInt64
}
