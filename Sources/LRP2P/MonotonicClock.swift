import Glibc

/// The time source of network threads: `CLOCK_MONOTONIC`, which no one can set.
package enum MonotonicClock {
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// The same moment on this clock; one beyond 292 years becomes the distant future.
    static func instant(of deadline: ContinuousClock.Instant) -> Instant {
        let left = Interval(deadline - ContinuousClock.now)
        let (sum, overflow) = now.nanoseconds.addingReportingOverflow(left.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }
}
