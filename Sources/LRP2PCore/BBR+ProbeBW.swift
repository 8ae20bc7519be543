/// ProbeBW: looks for more bandwidth now and then, and leaves room in between
/// (draft-ietf-ccwg-bbr-06 §5.3.3).
extension BBR {
    struct BandwidthProbe: Sendable {
        var phase = AcknowledgementPhase.initial
        /// When the present cycle began, and how long after it to probe.
        var cycleStart = Instant(nanoseconds: 0)
        var wait = Interval.zero
        var roundsSinceProbe: UInt64 = 0
        /// Whether losses are those of packets sent while probing.
        var isSample = false
        /// Whether the last probe lost too much.
        var wasTooHigh = false
        /// Whether the present probe ended early because of that.
        var wasPrecautionary = false
        /// The long-term bound grows by a datagram for each of these bytes acknowledged.
        var bytesPerIncrease = Double.infinity
        var acknowledged = 0.0
        /// Rounds of growth: each adds twice as much as the one before.
        var rounds = 0
    }

    /// Rounds that a Reno flow would take to probe, at most (§5.3.3.8).
    private static let maximumRoundsBetweenProbes = 63.0
    private static let minimumWait: Interval = .seconds(2)
    /// The wait is longer than that by a random part of this.
    private static let waitSpread: UInt64 = 1_000_000_000
    private static let maximumSlopeRounds = 30

    // MARK: Entering the states

    /// - Parameter entropy: anything that differs between flows.
    mutating func startProbeDown(now: Instant, delivered: UInt64, entropy: UInt64? = nil) {
        latest.reset()
        probe.bytesPerIncrease = .infinity
        let drawn = random.next(entropy: entropy ?? delivered)
        probe.roundsSinceProbe = drawn >> 63
        let spread = ((drawn & 0xffff_ffff) * Self.waitSpread) >> 32
        probe.wait = Self.minimumWait + Interval(nanoseconds: Int64(spread))
        probe.cycleStart = now
        probe.phase = .probeStopping
        rounds.start(delivered: delivered)
        state = .probeDown
    }

    mutating func startProbeRefill(delivered: UInt64) {
        shortTerm = ShortTermModel()
        probe.rounds = 0
        probe.acknowledged = 0
        probe.wasPrecautionary = false
        probe.phase = .refilling
        rounds.start(delivered: delivered)
        state = .probeRefill
    }

    private mutating func startProbeUp(_ rate: RateSample) {
        probe.phase = .probeStarting
        rounds.start(delivered: rate.totalDelivered)
        fullBandwidth.reset(baseline: rate.bytesPerSecond)
        state = .probeUp
        raiseSlope()
    }

    // MARK: Per acknowledgement

    mutating func updateProbeBW(_ rate: RateSample) {
        guard fullBandwidth.wasReached, !adaptLongTermModel(rate) else { return }
        switch state {
        case .probeDown:
            if isTimeToProbe(now: rate.now) {
                startProbeRefill(delivered: rate.totalDelivered)
            } else if isTimeToCruise(rate) {
                state = .probeCruise
            }
        case .probeCruise:
            if isTimeToProbe(now: rate.now) { startProbeRefill(delivered: rate.totalDelivered) }
        case .probeRefill:
            // A round at full rate has filled the pipe.
            guard rounds.isStart else { return }
            probe.isSample = true
            startProbeUp(rate)
        case .probeUp:
            guard isTimeToGoDown(rate) else { return }
            probe.wasTooHigh = false
            startProbeDown(now: rate.now, delivered: rate.totalDelivered, entropy: rate.entropy)
        case .startup, .drain, .probeRTT:
            return
        }
    }

    private func isTimeToProbe(now: Instant) -> Bool {
        if now > probe.cycleStart + probe.wait { return true }
        let datagrams = targetInflight / Double(maximumDatagramSize)
        let bound = min(datagrams, Self.maximumRoundsBetweenProbes)
        return Double(probe.roundsSinceProbe) >= bound
    }

    private func isTimeToCruise(_ rate: RateSample) -> Bool {
        rate.bytesInFlight <= inflightWithHeadroom
            && rate.bytesInFlight <= inflight(gain: 1, bandwidth: maximumBandwidth.value)
    }

    private mutating func isTimeToGoDown(_ rate: RateSample) -> Bool {
        // The level that lost too much last time is reached, not held, for one probe (§5.3.3.6).
        // The window lets no more than whole datagrams up to it.
        let reached = rate.priorBytesInFlight + Double(maximumDatagramSize)
        if probe.wasTooHigh, reached > inflightLongTerm {
            probe.wasPrecautionary = true
            return true
        }
        if isWindowLimited, window >= inflightLongTerm {
            // The bound keeps the rate from growing, not the path.
            fullBandwidth.reset(baseline: rate.bytesPerSecond)
            return false
        }
        return fullBandwidth.isReached
    }

    private var isWindowLimited: Bool { isWindowFull || wasWindowFull }

    // MARK: The long-term model

    /// - Returns: whether it changed the state.
    private mutating func adaptLongTermModel(_ rate: RateSample) -> Bool {
        if probe.phase == .probeStarting, rounds.isStart { probe.phase = .probeFeedback }
        if probe.phase == .probeStopping, rounds.isStart {
            probe.isSample = false
            probe.phase = .initial
            if state.isProbeBW, !rate.isApplicationLimited { maximumBandwidth.advance() }
            if state.isProbeBW, probe.wasPrecautionary, !probe.wasTooHigh {
                startProbeRefill(delivered: rate.totalDelivered)
                return true
            }
        }
        let isTooHigh = Self.isInflightTooHigh(
            lost: rate.lostSince, inFlight: rate.inFlightWhenSent)
        guard !isTooHigh, inflightLongTerm.isFinite else { return false }
        inflightLongTerm = max(inflightLongTerm, rate.inFlightWhenSent)
        if state == .probeUp { raiseLongTermBound(rate) }
        return false
    }

    private mutating func raiseLongTermBound(_ rate: RateSample) {
        guard isWindowLimited, window >= inflightLongTerm else { return }
        probe.acknowledged += rate.newlyAcknowledged
        if probe.acknowledged >= probe.bytesPerIncrease {
            let steps = (probe.acknowledged / probe.bytesPerIncrease).rounded(.down)
            probe.acknowledged -= steps * probe.bytesPerIncrease
            inflightLongTerm += steps * Double(maximumDatagramSize)
        }
        if rounds.isStart { raiseSlope() }
    }

    private mutating func raiseSlope() {
        let growth = Double(1 << probe.rounds)
        probe.rounds = min(probe.rounds + 1, Self.maximumSlopeRounds)
        probe.bytesPerIncrease = max(window / growth, Double(maximumDatagramSize))
    }
}
