/// When a buffer should grow because it is what holds a transfer back.
///
/// Rings start small, so that thousands of quiet connections cost little, and double as long as
/// the process's memory budget allows.
struct BufferTuning: Sendable {
    /// A window that lasts shorter than this runs empty whenever the scheduler is late, or other
    /// connections have their turn.
    private static let minimumRoundTrip: Interval = .milliseconds(4)

    /// Where and when the present measurement of the reader began.
    private var measuredFrom: UInt64 = 0
    private var measuredAt = Instant(nanoseconds: 0)

    /// The reader has read up to `position`. If it reads half a window within two round trips, the
    /// window bounds the peer, and one of twice the size lets it send more.
    mutating func didRead(
        upTo position: UInt64, limit: Int, roundTrip: Interval, now: Instant
    ) -> Bool {
        guard position - measuredFrom >= UInt64(limit / 2) else { return false }
        let elapsed = now - measuredAt
        measuredFrom = position
        measuredAt = now
        return elapsed < max(roundTrip, Self.minimumRoundTrip) * 2
    }
}

extension StreamRing {
    /// Doubles the limit, as far as the capacity and the budget allow. Returns whether it has
    /// grown.
    func grow() -> Bool {
        limit < capacity && raiseLimit(to: min(limit * 2, capacity))
    }
}
