/// HyStart++ (RFC 9406): ends the first slow start when round trips get longer, before the
/// bottleneck's queue is full and a window of packets is lost.
///
/// When the delay grows, it first slows the growth down (conservative slow start, CSS), and only
/// leaves slow start if the delay stays: a moment's jitter costs little.
struct HyStart: Sendable {
    // RFC 9406 §4.3.
    private static let minimumThreshold: Interval = .milliseconds(4)
    private static let maximumThreshold: Interval = .milliseconds(16)
    private static let thresholdDivisor: Int64 = 8
    private static let samplesPerRound = 8
    private static let conservativeRounds = 5
    /// How much slower the window grows in CSS.
    private static let conservativeGrowthDivisor = 4

    /// The round ends with the acknowledgement of this packet or a later one.
    private var roundEnd: UInt64 = 0
    private var lastRoundMinimum: Interval?
    private var roundMinimum: Interval?
    private var samples = 0
    /// The round trip time when CSS began; `nil` outside of CSS.
    private var baseline: Interval?
    private var roundsInCSS = 0
    /// Whether slow start is to end.
    private(set) var isDone = false

    var isConservative: Bool { baseline != nil }

    /// Bytes by which the window grows for bytes acknowledged. Paced as we are, there is no limit
    /// on the growth per acknowledgement (§4.3, L = ∞).
    func growth(for acknowledged: Int) -> Int {
        isConservative ? acknowledged / Self.conservativeGrowthDivisor : acknowledged
    }

    mutating func onAcknowledgement(
        largestAcknowledged: UInt64, nextPacketNumber: UInt64, rtt: Interval?
    ) {
        guard !isDone else { return }
        if let rtt { addSample(rtt) }
        if largestAcknowledged >= roundEnd { endRound(nextPacketNumber: nextPacketNumber) }
    }

    private mutating func addSample(_ rtt: Interval) {
        let minimum = roundMinimum.map { min($0, rtt) } ?? rtt
        roundMinimum = minimum
        samples += 1
        guard samples >= Self.samplesPerRound else { return }
        if let before = baseline {
            // The delay went down again: it was not our queue.
            if minimum < before { baseline = nil }
            return
        }
        guard let last = lastRoundMinimum else { return }
        let threshold = max(
            Self.minimumThreshold, min(last / Self.thresholdDivisor, Self.maximumThreshold))
        if minimum >= last + threshold {
            baseline = minimum
            roundsInCSS = 0
        }
    }

    private mutating func endRound(nextPacketNumber: UInt64) {
        roundEnd = nextPacketNumber
        lastRoundMinimum = roundMinimum
        roundMinimum = nil
        samples = 0
        guard isConservative else { return }
        roundsInCSS += 1
        isDone = roundsInCSS >= Self.conservativeRounds
    }
}
