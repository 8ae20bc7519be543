import LRP2P

/// One direction of a disturbed link: decides what becomes of each datagram.
///
/// Every datagram takes the same number of random values, whatever the conditions; so what happens
/// to the n-th one depends on the seed and n only (and, with a bandwidth limit, on the time).
struct Impairment {
    /// When copies of a datagram leave at the other end.
    enum Fate: Equatable {
        case lost
        /// The queue before the bottleneck was full.
        case queueFull
        case delivered(at: Instant)
        case duplicated(at: Instant, and: Instant)
    }

    private let conditions: LinkConditions
    private var random: SeededGenerator
    /// When the bottleneck has sent what is before it.
    private var busyUntil = Instant(nanoseconds: 0)

    init(_ conditions: LinkConditions, seed: UInt64) {
        self.conditions = conditions
        random = SeededGenerator(seed: seed)
    }

    mutating func decide(byteCount: Int, now: Instant) -> Fate {
        let isLost = random.nextShare() < conditions.loss
        let isDuplicated = random.nextShare() < conditions.duplication
        let first = delay(), second = delay()
        if isLost { return .lost }
        guard let sent = pass(byteCount, now: now) else { return .queueFull }
        return isDuplicated
            ? .duplicated(at: sent + first, and: sent + second) : .delivered(at: sent + first)
    }

    private mutating func delay() -> Interval {
        let isHeldBack = random.nextShare() < conditions.reordering
        let variation = (random.nextShare() * 2 - 1) * Double(conditions.jitter.nanoseconds)
        let delay = conditions.delay + Interval(nanoseconds: Int64(variation))
        return max(.zero, isHeldBack ? delay + conditions.reorderDelay : delay)
    }

    /// When the bottleneck has sent the datagram; `nil` when it cannot even wait.
    private mutating func pass(_ byteCount: Int, now: Instant) -> Instant? {
        guard let rate = conditions.bytesPerSecond else { return now }
        let backlog = max(.zero, busyUntil - now)
        guard backlog.inSeconds * rate + Double(byteCount) <= Double(conditions.queueBytes) else {
            return nil
        }
        busyUntil = max(busyUntil, now)
            + Interval(nanoseconds: Int64(Double(byteCount) / rate * 1e9))
        return busyUntil
    }
}
