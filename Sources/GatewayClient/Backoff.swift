/// How long to wait before the same is tried again, and until when it is worth trying.
///
/// The time doubles with each failure, with some chance in it, so that clients that failed together
/// do not come back together.
public struct Backoff: Sendable {
    public static let first: Duration = .milliseconds(100)
    public static let longest: Duration = .seconds(5)

    /// How long things may fail in a row.
    public let patience: Duration
    private var failures = 0
    private var failingSince: ContinuousClock.Instant?

    public init(patience: Duration) {
        self.patience = patience
    }

    /// Something has worked.
    public mutating func succeed() { (failures, failingSince) = (0, nil) }

    /// Notes a failure; `nil` when it is to be the last one.
    ///
    /// - Parameter random: from 0 to 1.
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
