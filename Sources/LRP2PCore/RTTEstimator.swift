/// Round-trip time as RFC 9002 §5 estimates it, for the whole life of a connection.
///
/// The base protocol tells no acknowledgement delay: its samples are taken as they are.
struct RTTEstimator: Sendable {
    /// Assumed before the first sample (RFC 9002 §6.2.2).
    static let initialRTT: Interval = .milliseconds(333)
    /// The resolution that timers are trusted with (RFC 9002 §6.1.2).
    static let granularity: Interval = .milliseconds(1)
    /// What a peer may take to acknowledge: the reference works on a tick of 10 ms (hazard 7).
    static let defaultAcknowledgementDelay: Interval = .milliseconds(10)

    private(set) var latest = initialRTT
    private(set) var smoothed = initialRTT
    private(set) var variation = initialRTT / 2
    private(set) var minimum = initialRTT
    private(set) var hasSample = false
    /// What the peer has promised to take at most.
    var maximumAcknowledgementDelay = defaultAcknowledgementDelay

    /// - Parameter acknowledgementDelay: how long the peer held its answer back, as it says.
    mutating func addSample(_ measured: Interval, acknowledgementDelay: Interval = .zero) {
        latest = measured
        guard hasSample else {
            hasSample = true
            minimum = measured
            smoothed = measured
            variation = measured / 2
            return
        }
        minimum = min(minimum, measured)
        // A delay that would bring the sample below the minimum cannot be true (RFC 9002 §5.3).
        let delay = min(acknowledgementDelay, maximumAcknowledgementDelay)
        let sample = measured - delay >= minimum ? measured - delay : measured
        let deviation = abs(smoothed.nanoseconds - sample.nanoseconds)
        variation = Interval(nanoseconds: (3 * variation.nanoseconds + deviation) / 4)
        smoothed = (smoothed * 7 + sample) / 8
    }

    /// How long to wait for an acknowledgement before probing, without backoff (RFC 9002 §6.2.1).
    var probeTimeout: Interval {
        smoothed + max(variation * 4, Self.granularity) + maximumAcknowledgementDelay
    }
}
