/// Spreads packets over time so that they do not queue at the bottleneck (RFC 9002 §7.7): a token
/// bucket in bytes that fills at the pacing rate.
///
/// What may leave at once is a whole train of datagrams, as one system call per packet would cost
/// more than a short queue. A timer that fires late is made up for, or at high rates the timer's
/// resolution and not the path would set the rate.
struct Pacer: Sendable {
    /// Datagrams that may always leave at once: an initial window (RFC 9002 §7.7).
    private static let minimumBurstDatagrams = 10
    /// At higher rates, as much as leaves in this time.
    private static let burstInterval: Interval = .milliseconds(1)
    /// More than this never leaves at once after a pause, in bytes.
    static let maximumBurst = 256 * 1024
    /// How late a timer may fire and be made up for.
    private static let maximumLateness: Interval = .milliseconds(4)

    private var maximumDatagramSize: Int
    /// Bytes that may leave, as of `filledAt`; negative when more has left.
    private var tokens: Double
    private var filledAt = Instant(nanoseconds: .min)
    /// Whether a packet had to wait: only then is being late the timer's fault.
    private var isWaiting = false

    init(maximumDatagramSize: Int) {
        self.maximumDatagramSize = maximumDatagramSize
        tokens = Double(Self.minimumBurstDatagrams * maximumDatagramSize)
    }

    mutating func didChangeMaximumDatagramSize(_ size: Int) {
        maximumDatagramSize = size
    }

    /// Bytes that may leave at once after a pause.
    ///
    /// - Parameter rate: bytes per second.
    func burst(rate: Double) -> Int {
        let size = min(rate * Self.burstInterval.inSeconds, Double(Self.maximumBurst))
        return max(Int(size), burstFloor)
    }

    private var burstFloor: Int {
        max(
            min(Self.minimumBurstDatagrams * maximumDatagramSize, Self.maximumBurst),
            2 * maximumDatagramSize)
    }

    private mutating func fill(rate: Double, now: Instant) {
        var capacity = Double(burst(rate: rate))
        if isWaiting { capacity += rate * Self.maximumLateness.inSeconds }
        if filledAt.nanoseconds == .min {
            tokens = capacity
        } else if now > filledAt {
            tokens += rate * (now - filledAt).inSeconds
        }
        tokens = min(tokens, capacity)
        filledAt = max(filledAt, now)
    }

    /// Bytes that may leave now; may be less than one datagram.
    ///
    /// - Parameter rate: bytes per second; `nil` if there is no pacing.
    mutating func allowance(rate: Double?, now: Instant) -> Int {
        guard let rate else { return Self.maximumBurst }
        fill(rate: rate, now: now)
        return max(0, Int(tokens))
    }

    /// A packet of `size` bytes leaves, whether or not it should have waited.
    mutating func didSend(size: Int, rate: Double?, now: Instant) {
        guard let rate else { return }
        fill(rate: rate, now: now)
        tokens -= Double(size)
        // As long as there are more, the lateness is not made up for.
        if tokens < Double(burst(rate: rate)) { isWaiting = false }
    }

    /// When a packet of `size` bytes may leave; `nil`: now.
    ///
    /// What must wait waits until half a burst may leave, so that a timer serves a train.
    mutating func releaseTime(size: Int, rate: Double?, now: Instant) -> Instant? {
        guard let rate else { return nil }
        fill(rate: rate, now: now)
        guard tokens < Double(size) else { return nil }
        isWaiting = true
        let half = min(Self.burstInterval.inSeconds / 2 * rate, Double(burst(rate: rate) / 2))
        let missing = max(Double(size), half) - tokens
        let nanoseconds = min((missing / rate * 1e9).rounded(.up), Self.maximumWait)
        return now + Interval(nanoseconds: Int64(nanoseconds))
    }

    /// However low the rate, a timer fires within a minute.
    private static let maximumWait = 60e9
}
