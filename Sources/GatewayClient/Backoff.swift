/// How long to wait before the same is tried again, and until when it is worth trying.
///
/// The time doubles with each failure, with some chance in it, so that clients that failed together
/// do not come back together.
public struct Backoff: Sendable {
    /// The time after the first failure, before chance takes up to half of it away.
    public static let first: Duration = .milliseconds(100)
    /// What the time doubles up to, before chance takes up to half of it away.
    public static let longest: Duration = .seconds(5)

    /// How long things may fail in a row.
    public let patience: Duration
    private var failures = 0
    private var failingSince: ContinuousClock.Instant?

    public init(patience: Duration) {
        self.patience = patience
    }

    /// Something has worked: the next failure is the first again.
    public mutating func succeed() { (failures, failingSince) = (0, nil) }

    /// Notes a failure; `nil` when it is to be the last one.
    ///
    /// - Parameters:
    ///   - now: when it failed.
    ///   - random: from 0, which halves the time, to 1, which leaves it whole.
    /// - Returns: how long to wait, at most what is left of ``patience``.
    public mutating func delay(
        now: ContinuousClock.Instant = .now, random: Double = .random(in: 0...1)
    ) -> Duration? {
        let since = failingSince ?? now
        failingSince = since
        let left = patience - (now - since)
        guard left > .zero else { return nil }
        let full = Self.first * (1 << min(failures, 16))
        failures += 1
        return min(left, min(full, Self.longest) * (0.5 + random / 2))
    }
}
