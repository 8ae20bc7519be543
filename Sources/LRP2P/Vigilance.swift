/// How long a network thread with nothing to do keeps looking before it sleeps.
///
/// To wake a sleeping thread takes tens of microseconds, more than a round trip on loopback. While
/// traffic comes with short gaps it is cheaper for everyone to look for it; when it does not, to
/// look is waste. So the thread looks as long as that has worked lately, and after each time in
/// vain sleeps at once twice as often as after the one before.
struct Vigilance {
    /// One look, at most.
    static let limit = Interval.microseconds(50)
    /// Sleeps at once, at most, before it is tried again: traffic at intervals longer than the
    /// limit costs one part in so many of it.
    static let maximumSleeps = 256

    private var idleSince: Instant?
    private var hasGivenUp = false
    private var sleepsAfterFailure = 0
    private var sleepsLeft = 0

    /// There was something to do.
    mutating func sawWork() {
        if idleSince != nil, !hasGivenUp { sleepsAfterFailure = 0 }
        idleSince = nil
        hasGivenUp = false
    }

    /// There is nothing to do. Whether to look again rather than sleep.
    mutating func keepsLooking(now: Instant) -> Bool {
        guard !hasGivenUp else { return false }
        guard let idleSince else {
            idleSince = now
            guard sleepsLeft > 0 else { return true }
            sleepsLeft -= 1
            hasGivenUp = true
            return false
        }
        guard now - idleSince >= Vigilance.limit else { return true }
        hasGivenUp = true
        sleepsAfterFailure = min(Vigilance.maximumSleeps, max(1, sleepsAfterFailure * 2))
        sleepsLeft = sleepsAfterFailure
        return false
    }
}
