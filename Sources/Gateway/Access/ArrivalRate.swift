/// How often something may happen: every `interval` in the long run, `burst` times at once after a
/// pause. A token bucket that is told by when it will be full again (the "virtual scheduling" of
/// ITU-T I.371), so that its state is one moment and its sums are exact.
struct ArrivalRate: Sendable, Equatable {
    let interval: Duration
    let burst: Int

    init(interval: Duration, burst: Int) {
        self.interval = interval
        self.burst = max(1, burst)
    }

    enum Verdict: Equatable {
        case conforms
        /// Not before that has passed.
        case tooEarly(wait: Duration)
    }

    /// - Parameter fullAt: when the bucket will be full again: of the same client, kept from one
    ///   call to the next; `nil` before the first.
    func verdict(fullAt: inout ContinuousClock.Instant?, now: ContinuousClock.Instant) -> Verdict {
        // No later than that of an empty one: the last call may have been under a slower rate.
        let full = min(max(fullAt ?? now, now), now + interval * burst)
        let wait = full - interval * (burst - 1) - now
        fullAt = wait <= .zero ? full + interval : full
        return wait <= .zero ? .conforms : .tooEarly(wait: wait)
    }
}

/// The state of many clients under one rate, the ones seen last.
///
/// Two generations of at most half the limit each: when the younger one is full, the older one is
/// forgotten and the younger takes its place. So those seen last are kept, a step takes constant
/// time, and a client that is forgotten begins with a full bucket. A plain value.
struct ArrivalTable: Sendable {
    private let generationLimit: Int
    private var young: [ClientKey: ContinuousClock.Instant] = [:]
    private var old: [ClientKey: ContinuousClock.Instant] = [:]

    /// - Parameter limit: clients remembered at most.
    init(limit: Int) {
        generationLimit = max(1, limit / 2)
    }

    /// Clients remembered, some perhaps twice.
    var count: Int { young.count + old.count }

    /// Counts an arrival.
    ///
    /// - Returns: `nil` when it conforms; else how long until one will. One that does not conform
    ///   takes nothing from the bucket, but it is seen.
    mutating func arrive(
        _ key: ClientKey, _ rate: ArrivalRate, now: ContinuousClock.Instant
    ) -> Duration? {
        var fullAt = young[key] ?? old[key]
        let verdict = rate.verdict(fullAt: &fullAt, now: now)
        if young.count >= generationLimit, young[key] == nil {
            old = young
            young = [:]
        }
        young[key] = fullAt
        return switch verdict {
        case .conforms: nil
        case .tooEarly(let wait): wait
        }
    }
}

/// Lines in a log that strangers can cause, within a rate; the others are counted. A plain value.
struct LogAllowance: Sendable {
    private let rate: ArrivalRate
    private var fullAt: ContinuousClock.Instant?
    private var suppressed: UInt64 = 0

    init(_ rate: ArrivalRate) {
        self.rate = rate
    }

    /// - Returns: `nil` when there is to be no line, else how many were left out since the last.
    mutating func line(now: ContinuousClock.Instant) -> UInt64? {
        guard rate.verdict(fullAt: &fullAt, now: now) == .conforms else {
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        return suppressed
    }
}
