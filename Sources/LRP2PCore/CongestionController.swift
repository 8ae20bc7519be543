/// Decides how many segments may be in flight. One file for each algorithm.
///
/// Windows count segments: the protocol's own windows do. A value type without I/O; what it needs
/// to know is passed in. A reduction is undone by going back to an earlier copy.
protocol CongestionController: Sendable {
    init()

    /// Segments that may be in flight, at least `minimumCongestionWindow`.
    var congestionWindow: Int { get }
    /// `nil` until the first congestion event.
    var slowStartThreshold: Int? { get }

    /// One segment was acknowledged that was not sent before the last congestion event.
    ///
    /// - Parameter isWindowLimited: whether the window was in full use; one that is not must not
    ///   grow (RFC 9002 §7.8).
    mutating func onAcknowledgement(rtt: RTTEstimator, isWindowLimited: Bool, now: Instant)
    /// Segments were lost for the first time since those sent after the last event.
    mutating func onCongestionEvent(now: Instant)
    /// Nothing came through for several probe timeouts (RFC 9002 §7.6).
    mutating func onPersistentCongestion()
}

extension CongestionController {
    /// RFC 9002 §7.2.
    static var initialCongestionWindow: Int { 10 }
    static var minimumCongestionWindow: Int { 2 }
}
