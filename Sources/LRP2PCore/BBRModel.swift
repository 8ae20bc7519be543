/// The parts of BBR's model of the path that stand for themselves (draft-ietf-ccwg-bbr-06 §5.5).
extension BBR {
    /// RS: what one acknowledgement told, with neutral values where it told nothing.
    struct RateSample: Sendable {
        var now: Instant
        var bytesPerSecond = 0.0
        var delivered = 0.0
        var priorDelivered: UInt64?
        var isApplicationLimited = true
        /// Bytes in flight when the packet was sent, and lost since.
        var inFlightWhenSent = 0.0
        var lostSince = 0.0
        var newlyAcknowledged: Double
        var newlyLost: Double
        /// Bytes in flight after the acknowledgement and before it.
        var bytesInFlight: Double
        var priorBytesInFlight: Double
        var rtt: Interval?
        var totalDelivered: UInt64
        /// Differs from one connection to another; for what is to be random.
        var entropy: UInt64

        /// - Parameter unusableUntil: packets sent before this much was delivered had too little
        ///   in flight to tell the bandwidth.
        init(_ sample: AcknowledgementSample, unusableUntil: Range<UInt64>) {
            now = sample.now
            newlyAcknowledged = Double(sample.acknowledgedBytes)
            newlyLost = Double(sample.lostBytes)
            bytesInFlight = Double(sample.bytesInFlight)
            priorBytesInFlight = Double(sample.priorBytesInFlight)
            rtt = sample.latestRTT
            totalDelivered = sample.totalDelivered
            entropy =
                sample.totalDelivered &* 31 ^ sample.nextPacketNumber
                ^ UInt64(bitPattern: sample.now.nanoseconds)
            guard let delivery = sample.delivery else { return }
            bytesPerSecond = delivery.bytesPerSecond
            delivered = Double(delivery.delivered)
            priorDelivered = delivery.priorDelivered
            isApplicationLimited =
                delivery.isApplicationLimited || unusableUntil.contains(delivery.priorDelivered)
            inFlightWhenSent = Double(delivery.bytesInFlightWhenSent)
            lostSince = Double(delivery.lostSince)
        }
    }

    /// Counts round trips by packets: one ends when a packet is acknowledged that was sent after
    /// the last one ended (§5.5.1).
    struct RoundCounter: Sendable {
        private(set) var count: UInt64 = 0
        /// Whether the present acknowledgement ends a round.
        private(set) var isStart = false
        /// Bytes delivered as of the last acknowledgement.
        private(set) var delivered: UInt64 = 0
        private var nextDelivered: UInt64 = 0

        mutating func update(_ rate: RateSample) {
            delivered = rate.totalDelivered
            isStart = rate.priorDelivered.map { $0 >= nextDelivered } ?? false
            guard isStart else { return }
            count += 1
            nextDelivered = delivered
        }

        /// A round is to begin now.
        mutating func start(delivered: UInt64) { nextDelivered = delivered }
    }

    /// The most bandwidth of the present and the last cycle of ProbeBW (§5.5.6).
    struct BandwidthFilter: Sendable {
        private var present = 0.0
        private var last = 0.0

        var value: Double { max(present, last) }

        mutating func update(_ bandwidth: Double) { present = max(present, bandwidth) }

        mutating func advance() {
            // A cycle without a sample is none: there would be no estimate left.
            guard present > 0 else { return }
            last = present
            present = 0
        }
    }

    /// Bounds that losses outside of bandwidth probes set, until the next probe.
    struct ShortTermModel: Sendable {
        var bandwidth = Double.infinity
        var inflight = Double.infinity
    }

    /// What the last round trip delivered at most, and whether it lost anything (§5.5.10.3).
    struct LatestRound: Sendable {
        private(set) var bandwidth = 0.0
        private(set) var inflight = 0.0
        private(set) var isLossInRound = false
        private var isMarked = false
        /// Acknowledgements that told of losses.
        private(set) var lossEvents = 0
        /// Whether the present acknowledgement ends a round.
        private(set) var isStart = false
        /// Bytes lost and delivered in this round, for its loss rate.
        private var lost = 0.0
        private var acknowledged = 0.0
        private var nextDelivered: UInt64 = 0

        mutating func begin(_ rate: RateSample) {
            bandwidth = max(bandwidth, rate.bytesPerSecond)
            inflight = max(inflight, rate.delivered)
            lost += rate.newlyLost
            acknowledged += rate.newlyAcknowledged
            if rate.newlyLost > 0 { lossEvents += 1 }
            isStart = rate.priorDelivered.map { $0 >= nextDelivered } ?? false
            if isStart { nextDelivered = rate.totalDelivered }
        }

        mutating func advance(_ rate: RateSample) {
            guard isStart else { return }
            bandwidth = rate.bytesPerSecond
            inflight = rate.delivered
            lossEvents = 0
            lost = 0
            acknowledged = 0
        }

        /// Whether what was lost means congestion: a mark does, and more than the acceptable loss.
        var isCongested: Bool {
            isLossInRound
                && (isMarked || BBR.isInflightTooHigh(lost: lost, inFlight: lost + acknowledged))
        }

        /// The first loss begins a round of its own, to see all that belongs to it.
        mutating func noteCongestion(isMark: Bool, delivered: UInt64) {
            if !isLossInRound { nextDelivered = delivered }
            isLossInRound = true
            isMarked = isMarked || isMark
        }

        mutating func endCongestion() {
            isLossInRound = false
            isMarked = false
        }

        mutating func reset() {
            endCongestion()
            bandwidth = 0
            inflight = 0
        }
    }

    /// Finds that the rate no longer grows although more is sent (§5.3.1.2).
    struct FullBandwidthDetector: Sendable {
        private static let growth = 1.25
        private static let rounds = 3

        /// Whether it was ever found.
        var wasReached = false
        /// Whether it was found since the last reset.
        private(set) var isReached = false
        private var baseline = 0.0
        private var roundsWithoutGrowth = 0

        mutating func reset(baseline: Double = 0) {
            isReached = false
            self.baseline = baseline
            roundsWithoutGrowth = 0
        }

        /// Once for each round that is not limited by the application.
        mutating func update(bandwidth: Double) {
            guard !isReached else { return }
            if bandwidth >= baseline * Self.growth {
                reset(baseline: bandwidth)
                return
            }
            roundsWithoutGrowth += 1
            isReached = roundsWithoutGrowth >= Self.rounds
            if isReached { wasReached = true }
        }
    }

    /// How many more bytes are acknowledged at once than the bandwidth explains (§5.5.9): what
    /// must be in flight beyond the BDP to bridge the time between acknowledgements.
    struct AggregationEstimator: Sendable {
        /// ExtraAckedFilterLen
        static let rounds: UInt64 = 10

        private var intervalStart: Instant?
        private var acknowledged = 0.0
        private var filter = WindowedMaximum()

        var extraAcknowledged: Double { filter.value }

        mutating func restart(now: Instant) { intervalStart = now }

        mutating func update(
            _ rate: RateSample, bandwidth: Double, limit: Double, round: UInt64, length: UInt64
        ) {
            var expected = bandwidth * (rate.now - (intervalStart ?? rate.now)).inSeconds
            if acknowledged <= expected {
                acknowledged = 0
                intervalStart = rate.now
                expected = 0
            }
            acknowledged += rate.newlyAcknowledged
            filter.update(min(acknowledged - expected, limit), at: round, length: length)
        }
    }

    /// The maximum of a window of time, from the best three of it in order (Nichols' algorithm).
    struct WindowedMaximum: Sendable {
        private struct Entry: Sendable {
            var value = 0.0
            var time: UInt64 = 0
        }
        private var best = Entry()
        private var second = Entry()
        private var third = Entry()

        var value: Double { best.value }

        /// - Parameter length: entries older than this are forgotten.
        mutating func update(_ value: Double, at time: UInt64, length: UInt64) {
            let entry = Entry(value: value, time: time)
            if value >= best.value || time - third.time > length {
                (best, second, third) = (entry, entry, entry)
                return
            }
            if value >= second.value {
                (second, third) = (entry, entry)
            } else if value >= third.value {
                third = entry
            }
            age(entry, length: length)
        }

        private mutating func age(_ entry: Entry, length: UInt64) {
            let elapsed = entry.time - best.time
            if elapsed > length {
                (best, second, third) = (second, third, entry)
                if entry.time - best.time > length { (best, second) = (second, third) }
            } else if second.time == best.time, elapsed > length / 4 {
                (second, third) = (entry, entry)
            } else if third.time == second.time, elapsed > length / 2 {
                third = entry
            }
        }
    }

    /// Small pseudorandom numbers (Marsaglia 2003), to keep flows out of step: not for secrets.
    struct XorShift: Sendable {
        private var state: UInt64 = 0x2545_f491_4f6c_dd1d

        /// - Parameter entropy: anything in which one connection differs from another.
        mutating func next(entropy: UInt64) -> UInt64 {
            state ^= entropy &* 0x9e37_79b9_7f4a_7c15
            if state == 0 { state = 1 }
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state &* 0x2545_f491_4f6c_dd1d
        }
    }
}
