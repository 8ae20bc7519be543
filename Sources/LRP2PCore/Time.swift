/// A point on a monotonic clock, in nanoseconds from an arbitrary origin.
///
/// The core never reads a clock: every call that needs the time takes it as `now`. A socket passes
/// `CLOCK_MONOTONIC`, a simulation its own virtual time.
public struct Instant: Hashable, Comparable, Sendable {
    /// Since the origin; negative before it.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every deadline that can occur.
    public static let distantFuture = Instant(nanoseconds: .max)

    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Stops at the limits: a deadline that is too far away is never, not long ago.
    public static func + (a: Instant, b: Interval) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return overflow ? Instant(nanoseconds: b < .zero ? .min : .max) : Instant(nanoseconds: sum)
    }

    /// How long after `b` is `a`; negative when it is before.
    public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
}

/// A length of time in whole nanoseconds: one machine word, where `Swift.Duration` has two.
public struct Interval: Hashable, Comparable, Sendable {
    /// Negative for a length backwards.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// No time at all.
    public static let zero = Interval(nanoseconds: 0)
    /// So many seconds. Traps beyond ±292 years, as do the next two.
    public static func seconds(_ n: Int64) -> Interval { Interval(nanoseconds: n * 1_000_000_000) }
    /// So many thousandths of a second.
    public static func milliseconds(_ n: Int64) -> Interval { Interval(nanoseconds: n * 1_000_000) }
    /// So many millionths of a second.
    public static func microseconds(_ n: Int64) -> Interval { Interval(nanoseconds: n * 1_000) }

    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    /// Both, one after the other.
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }
    /// The difference; may be negative.
    public static func - (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
    /// So many times as long.
    public static func * (a: Interval, n: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds * n)
    }
    /// One of `n` equal parts, rounded towards zero.
    public static func / (a: Interval, n: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds / n)
    }

    /// The same length in seconds, for metrics and arithmetic on rates.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

extension Interval {
    /// Rounds towards zero to whole nanoseconds; lengths beyond ±292 years become the limit.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        nanoseconds = isTooLong || overflow ? (seconds < 0 ? .min : .max) : sum
    }
}

extension Duration {
    public init(_ interval: Interval) {
        self = .nanoseconds(interval.nanoseconds)
    }
}
