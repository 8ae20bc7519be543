/// What a receiver has to acknowledge, and when (RFC 9000 §13.2).
///
/// Packets may be acknowledged together: every `threshold` of them, or `maximumDelay` after the
/// first. At once when one is missing, late, or marked by a congested queue, because the sender
/// learns of loss and congestion from nothing else.
struct ReceivedPackets {
    /// Ranges kept; beyond them the oldest is forgotten (RFC 9000 §13.2.3). What was lost before
    /// so many gaps has been declared lost by now.
    static let maximumRanges = FrameWriter.maximumRanges

    /// Ack-eliciting packets after which an acknowledgement is due at once; 1 for each by itself.
    let threshold: Int
    let maximumDelay: Interval

    /// The packet numbers to acknowledge, ascending.
    private(set) var ranges = OffsetRanges()
    private(set) var ecnCounts = ECNCounts()
    /// When an acknowledgement must be sent at the latest; `nil` while there is no need for one.
    private(set) var acknowledgementDueAt: Instant?
    private(set) var largest: UInt64?
    private(set) var largestArrivedAt = Instant(nanoseconds: 0)
    /// Ack-eliciting packets since the last acknowledgement.
    private var pending = 0
    /// One above the largest ack-eliciting packet: with this one, nothing new would be missing.
    private var next: UInt64 = 0

    /// - Parameters:
    ///   - threshold: at least 1.
    ///   - maximumDelay: what the peer was told in the handshake.
    init(threshold: Int, maximumDelay: Interval) {
        self.threshold = max(1, threshold)
        self.maximumDelay = maximumDelay
    }

    /// How long the largest packet has waited for its acknowledgement.
    func delay(now: Instant) -> Interval {
        max(.zero, now - largestArrivedAt)
    }

    /// Notes an authentic packet. A repetition changes nothing.
    @inline(__always)
    mutating func insert(
        number: UInt64, isAckEliciting: Bool, ecn: ECNCodepoint, now: Instant
    ) {
        guard ranges.insert(number..<number &+ 1) > 0 else { return }
        if ranges.count > Self.maximumRanges { _ = ranges.removeFirst() }
        ecnCounts.count(ecn)
        if largest.map({ number > $0 }) ?? true {
            largest = number
            largestArrivedAt = now
        }
        guard isAckEliciting else { return }
        pending &+= 1
        // RFC 9000 §13.2.1: a number below one that has arrived, or missing ones before it.
        let isOutOfOrder = number < next || startOfNewest > next
        if number >= next { next = number &+ 1 }
        if isOutOfOrder || ecn == .ce || pending >= threshold {
            acknowledgementDueAt = now
        } else if acknowledgementDueAt == nil {
            acknowledgementDueAt = now + maximumDelay
        }
    }

    /// The peer asks for an answer and has nothing else to say: waiting for more would be in vain.
    mutating func acknowledgeAtOnce(now: Instant) {
        acknowledgementDueAt = now
    }

    private var startOfNewest: UInt64 { ranges.last?.lowerBound ?? 0 }

    /// An acknowledgement of everything was sent.
    mutating func didAcknowledge() {
        acknowledgementDueAt = nil
        pending = 0
    }

    /// The peer knows of all packets below `number`, because our acknowledgement of them has been
    /// acknowledged: there is no need to repeat it (RFC 9000 §13.2.4).
    mutating func forget(below number: UInt64) {
        ranges.removeFirst(upTo: number)
        // The gaps below it were told as well.
        next = max(next, number)
    }
}
