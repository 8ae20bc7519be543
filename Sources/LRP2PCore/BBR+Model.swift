/// How acknowledgements and losses change the model (draft-ietf-ccwg-bbr-06 §5.5).
extension BBR {
    /// The loss rate that is acceptable when more bandwidth is looked for.
    private static let lossThreshold = 0.02
    /// What remains of a bound when losses lower it: β.
    private static let decreaseFactor = 0.7
    /// Share of the long-term bound that is left for others.
    private static let headroom = 0.15
    /// StartupFullLossCnt
    private static let startupLossEvents = 6
    /// Rounds after which Drain ends in any case.
    private static let maximumDrainRounds: UInt64 = 3

    mutating func updateBandwidth(_ rate: RateSample) {
        rounds.update(rate)
        if rounds.isStart { probe.roundsSinceProbe += 1 }
        guard rate.bytesPerSecond > 0 else { return }
        if rate.bytesPerSecond >= maximumBandwidth.value || !rate.isApplicationLimited {
            maximumBandwidth.update(rate.bytesPerSecond)
        }
    }

    // MARK: Losses

    /// A packet was lost or marked.
    mutating func noteCongestion(isMark: Bool, delivered: UInt64) {
        if !latest.isLossInRound { undoState = nil }
        latest.noteCongestion(isMark: isMark, delivered: delivered)
    }

    static func isInflightTooHigh(lost: Double, inFlight: Double) -> Bool {
        lost > inFlight * lossThreshold
    }

    /// How much was in flight when the losses crossed the threshold, which may have been within
    /// this packet (§5.5.10.2).
    static func inflightAtLoss(size: Double, lost: Double, inFlight: Double) -> Double {
        let inFlightBefore = inFlight - size
        let lostBefore = lost - size
        let prefix = (lossThreshold * inFlightBefore - lostBefore) / (1 - lossThreshold)
        return inFlightBefore + prefix
    }

    mutating func handleInflightTooHigh(
        inFlight: Double, isApplicationLimited: Bool, now: Instant, delivered: UInt64
    ) {
        probe.wasTooHigh = true
        // Only one reaction to each probe.
        probe.isSample = false
        if !isApplicationLimited {
            inflightLongTerm = max(inFlight, targetInflight * Self.decreaseFactor)
        }
        if state == .probeUp {
            undoState = .probeUp
            startProbeDown(now: now, delivered: delivered)
        }
    }

    /// Marks are congestion although nothing was lost: no threshold applies to them.
    mutating func respondToMarks(_ rate: RateSample) {
        guard isMarked else { return }
        isMarked = false
        noteCongestion(isMark: true, delivered: rate.totalDelivered)
        if state == .startup {
            leaveStartup()
        } else if probe.isSample {
            handleInflightTooHigh(
                inFlight: rate.inFlightWhenSent, isApplicationLimited: rate.isApplicationLimited,
                now: rate.now, delivered: rate.totalDelivered)
        }
    }

    /// Once for each round trip: what was lost outside of probes bounds the model (§5.5.10.3).
    ///
    /// The draft lets any loss do that. Then every round trip of a path with a little random loss
    /// lowers the rate by that loss and the pacing margin, which is a tenth of it between probes;
    /// the threshold that holds for probes is taken as the measure of congestion here, too.
    mutating func adaptLowerBounds() {
        guard latest.isStart else { return }
        defer { latest.endCongestion() }
        guard latest.isCongested, !state.isProbingBandwidth else { return }
        if !shortTerm.bandwidth.isFinite { shortTerm.bandwidth = maximumBandwidth.value }
        if !shortTerm.inflight.isFinite { shortTerm.inflight = window }
        shortTerm.bandwidth = max(latest.bandwidth, Self.decreaseFactor * shortTerm.bandwidth)
        shortTerm.inflight = max(latest.inflight, Self.decreaseFactor * shortTerm.inflight)
    }

    var inflightWithHeadroom: Double {
        guard inflightLongTerm.isFinite else { return .infinity }
        let reserve = max(Double(maximumDatagramSize), Self.headroom * inflightLongTerm)
        return max(inflightLongTerm - reserve, minimumPipeWindow)
    }

    // MARK: Startup and Drain (§5.3.1, §5.3.2)

    mutating func checkStartupDone(_ rate: RateSample) {
        if state == .startup, latest.isStart, latest.lossEvents >= Self.startupLossEvents,
            Self.isInflightTooHigh(lost: rate.lostSince, inFlight: rate.inFlightWhenSent)
        {
            leaveStartup()
        }
        if state == .startup, fullBandwidth.wasReached {
            state = .drain
            drainStartRound = rounds.count
        }
    }

    /// Too much was lost: the path is full, whether or not the rate still grows (§5.3.1.3).
    private mutating func leaveStartup() {
        undoState = .startup
        fullBandwidth.wasReached = true
        inflightLongTerm = max(bandwidthDelayProduct() ?? initialWindow, latest.inflight)
    }

    mutating func checkDrainDone(_ rate: RateSample) {
        guard state == .drain else { return }
        let isLate = rounds.count > drainStartRound + Self.maximumDrainRounds
        guard isLate || rate.bytesInFlight <= inflight(gain: 1) else { return }
        startProbeDown(now: rate.now, delivered: rate.totalDelivered, entropy: rate.entropy)
    }
}
