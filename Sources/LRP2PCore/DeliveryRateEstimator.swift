/// What a packet remembers of the moment it was sent: part of the record of each in flight.
struct DeliveryStamp: Sendable {
    /// Bytes delivered when it was sent, and when the last of them was acknowledged.
    var delivered: UInt64
    var deliveredAt: Instant
    /// When the packet was sent whose acknowledgement was the last before.
    var firstSentAt: Instant
    /// Bytes in flight with this packet.
    var bytesInFlight: Int
    /// Bytes declared lost when it was sent.
    var lost: UInt64
}

/// What the packet acknowledged last tells of the path (draft-ietf-ccwg-bbr §4.1).
struct DeliverySample: Sendable {
    /// Bytes delivered between the sending of the packet and now, and the time that took.
    var delivered: UInt64
    var interval: Interval
    /// Whether the packet was sent when the application had too little to fill the path: the rate
    /// is then a lower bound only.
    var isApplicationLimited: Bool
    /// Bytes delivered in all when the packet was sent.
    var priorDelivered: UInt64
    /// Bytes in flight when the packet was sent, itself included.
    var bytesInFlightWhenSent: Int
    /// Bytes declared lost between the sending of the packet and now.
    var lostSince: UInt64

    var bytesPerSecond: Double { Double(delivered) / interval.inSeconds }
}

/// Measures how fast the path delivers (draft-ietf-ccwg-bbr §4.1, formerly
/// draft-cheng-iccrg-delivery-rate-estimation).
///
/// The rate over a packet's flight is what was delivered meanwhile, divided by the longer of the
/// time it took to send these bytes and to acknowledge them: neither a burst of acknowledgements
/// nor one of packets makes it too large.
struct DeliveryRateEstimator: Sendable {
    /// Bytes acknowledged and declared lost since the connection began.
    private(set) var delivered: UInt64 = 0
    private(set) var lost: UInt64 = 0
    /// When `delivered` last grew.
    private var deliveredAt = Instant(nanoseconds: 0)
    /// When the packet was sent whose acknowledgement was the newest.
    private var firstSentAt = Instant(nanoseconds: 0)
    /// Packets sent before this much is delivered are limited by the application.
    private var applicationLimitedUntil: UInt64?
    /// Of the packets acknowledged since the last sample, the one that was sent last.
    private var newest: Newest?

    private struct Newest: Sendable {
        var stamp: DeliveryStamp
        var sentAt: Instant
        var isApplicationLimited: Bool
    }

    var isApplicationLimited: Bool { applicationLimitedUntil != nil }

    /// - Returns: what the packet has to remember.
    mutating func didSend(bytesInFlightBefore: Int, size: Int, now: Instant) -> DeliveryStamp {
        if bytesInFlightBefore == 0 {
            // Nothing was in flight: time without packets is not time that the path took.
            firstSentAt = now
            deliveredAt = now
        }
        return DeliveryStamp(
            delivered: delivered, deliveredAt: deliveredAt, firstSentAt: firstSentAt,
            bytesInFlight: bytesInFlightBefore + size, lost: lost)
    }

    /// One packet is newly acknowledged.
    ///
    /// - Parameter isApplicationLimited: what the getter of that name said when it was sent.
    mutating func didAcknowledge(
        _ stamp: DeliveryStamp, sentAt: Instant, size: Int, isApplicationLimited: Bool, now: Instant
    ) {
        delivered += UInt64(size)
        deliveredAt = now
        if let last = newest {
            // Packets of one train share their time; the last of them saw the most in flight.
            let isNewer =
                sentAt > last.sentAt
                || sentAt == last.sentAt && stamp.bytesInFlight > last.stamp.bytesInFlight
            guard isNewer else { return }
        }
        newest = Newest(stamp: stamp, sentAt: sentAt, isApplicationLimited: isApplicationLimited)
    }

    /// One packet is declared lost.
    mutating func didLose(size: Int) {
        lost += UInt64(size)
    }

    /// The application has nothing to send although the window is open.
    mutating func markApplicationLimited(bytesInFlight: Int) {
        applicationLimitedUntil = delivered + UInt64(bytesInFlight)
    }

    /// Call once for each acknowledgement, after its packets and the losses it revealed.
    ///
    /// - Returns: `nil` if nothing was acknowledged, or so quickly that it cannot be a whole round
    ///   trip: an estimate from that would be too large.
    mutating func takeSample(minimumRTT: Interval, now: Instant) -> DeliverySample? {
        if let until = applicationLimitedUntil, delivered > until {
            applicationLimitedUntil = nil
        }
        guard let newest else { return nil }
        self.newest = nil
        firstSentAt = max(firstSentAt, newest.sentAt)
        let stamp = newest.stamp
        let interval = max(newest.sentAt - stamp.firstSentAt, now - stamp.deliveredAt)
        guard interval > .zero, interval >= minimumRTT else { return nil }
        return DeliverySample(
            delivered: delivered - stamp.delivered, interval: interval,
            isApplicationLimited: newest.isApplicationLimited, priorDelivered: stamp.delivered,
            bytesInFlightWhenSent: stamp.bytesInFlight, lostSince: lost - stamp.lost)
    }
}
