/// When a buffer should grow because it is what holds a transfer back.
///
/// Rings start small, so that thousands of quiet connections cost little, and double as long as
/// the process's memory budget allows.
struct BufferTuning: Sendable {
    /// A window that lasts shorter than this runs empty whenever the scheduler is late, or other
    /// connections have their turn.
    private static let minimumRoundTrip: Interval = .milliseconds(4)

    /// A reader that comes more rarely than this is slow, however much it takes.
    private static let longestPause: Interval = .seconds(1)

    /// Where and when the reader was last.
    private var lastPosition: UInt64 = 0
    private var lastReadAt = Instant(nanoseconds: 0)
    /// Where and when the present measurement of the reader began.
    private var measuredFrom: UInt64 = 0
    private var measuredAt = Instant(nanoseconds: 0)

    /// The reader has read up to `position`. If it reads half a window within two round trips, the
    /// window bounds the peer, and one of twice the size lets it send more. The same goes for half
    /// a window at once: what comes to read now and then, as over HTTP, finds the window closed.
    mutating func didRead(
        upTo position: UInt64, limit: Int, roundTrip: Interval, now: Instant
    ) -> Bool {
        let step = position - lastPosition, pause = now - lastReadAt
        lastPosition = position
        lastReadAt = now
        if step >= UInt64(limit / 2), pause < Self.longestPause { return true }
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
