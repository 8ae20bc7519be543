/// BBR, version 3 (draft-ietf-ccwg-bbr-06): sends at the rate at which the path delivers, with
/// about the bytes in flight that this takes, as a model of the path has it. What loss there is
/// only bounds the model, so random loss does not cost the rate.
///
/// This file holds the state and the entry points; the model and the states of the machine are in
/// extensions. Rates are in bytes per second, volumes in bytes.
struct BBR: CongestionController {
    enum State: Sendable {
        case startup, drain, probeDown, probeCruise, probeRefill, probeUp, probeRTT

        /// Whether it is one of the four states of ProbeBW.
        var isProbeBW: Bool {
            switch self {
            case .probeDown, .probeCruise, .probeRefill, .probeUp: true
            case .startup, .drain, .probeRTT: false
            }
        }

        /// Whether it is meant to find more bandwidth, so that loss must not shrink the model.
        var isProbingBandwidth: Bool {
            self == .startup || self == .probeRefill || self == .probeUp
        }

        /// §5.6.1
        var pacingGain: Double {
            switch self {
            case .startup: 2.77
            case .drain: 0.5
            case .probeDown: 0.9
            case .probeCruise, .probeRefill, .probeRTT: 1
            case .probeUp: 1.25
            }
        }

        var windowGain: Double {
            switch self {
            case .probeUp: 2.25
            case .probeRTT: 0.5
            default: 2
            }
        }
    }

    /// What the acknowledgements that arrive tell of the last bandwidth probe.
    enum AcknowledgementPhase: Sendable {
        case initial, refilling, probeStarting, probeFeedback, probeStopping
    }

    /// Paces by this much below the estimated bandwidth, so that queues drain.
    private static let pacingMargin = 0.01
    /// MinPipeCwnd: datagrams in flight that keep a path busy whatever its BDP.
    private static let minimumPipeDatagrams = 4

    var maximumDatagramSize: Int
    var state = State.startup
    /// C.cwnd
    var window: Double
    /// The window before ProbeRTT.
    var priorWindow = 0.0
    /// `nil` before the first acknowledgement.
    var pacingRate: Double?
    /// Whether the window has been full since the last round began, and in the round before it.
    var isWindowFull = false
    var wasWindowFull = false
    var isRestartingFromIdle = false
    var random = XorShift()

    // The model of the path: see BBR+Model.swift.
    var rounds = RoundCounter()
    var maximumBandwidth = BandwidthFilter()
    /// The bandwidth of the model: the maximum, bounded by what loss allows.
    var bandwidth = 0.0
    var shortTerm = ShortTermModel()
    var inflightLongTerm = Double.infinity
    var latest = LatestRound()
    var aggregation = AggregationEstimator()
    var fullBandwidth = FullBandwidthDetector()
    /// Marks of congestion that the next acknowledgement has to account for.
    var isMarked = false
    /// The state that losses, maybe spurious, made us leave.
    var undoState: State?

    // ProbeBW: see BBR+ProbeBW.swift.
    var probe = BandwidthProbe()
    var drainStartRound: UInt64 = 0

    // ProbeRTT: see BBR+ProbeRTT.swift.
    var minimumRTT = MinimumRTTFilter()
    var probeRTT = RTTProbe()

    init(maximumDatagramSize: Int) {
        self.maximumDatagramSize = maximumDatagramSize
        window = Double(Self.initialCongestionWindow(maximumDatagramSize: maximumDatagramSize))
    }

    var initialWindow: Double {
        Double(Self.initialCongestionWindow(maximumDatagramSize: maximumDatagramSize))
    }
    var minimumPipeWindow: Double { Double(Self.minimumPipeDatagrams * maximumDatagramSize) }

    var congestionWindow: Int { Int(window) }
    var slowStartThreshold: Int? { nil }

    func pacingRate(rtt: RTTEstimator) -> Double? {
        if let pacingRate { return pacingRate }
        guard rtt.hasSample else { return nil }
        return initialPacingRate(rtt: rtt)
    }

    private func initialPacingRate(rtt: RTTEstimator) -> Double {
        state.pacingGain * initialWindow / max(rtt.smoothed, .microseconds(1)).inSeconds
    }

    // MARK: Inputs

    mutating func onSend(
        size: Int, bytesInFlightBefore: Int, isApplicationLimited: Bool, now: Instant
    ) {
        if bytesInFlightBefore + size + maximumDatagramSize > Int(window) { isWindowFull = true }
        guard bytesInFlightBefore == 0, isApplicationLimited else { return }
        // Restarting from idle (§5.4.1).
        isRestartingFromIdle = true
        aggregation.restart(now: now)
        if state.isProbeBW {
            setPacingRate(gain: 1)
        } else if state == .probeRTT {
            checkProbeRTTDone(now: now, delivered: rounds.delivered)
        }
    }

    mutating func onAcknowledgement(_ sample: AcknowledgementSample, rtt: RTTEstimator) {
        if pacingRate == nil, rtt.hasSample { pacingRate = initialPacingRate(rtt: rtt) }
        minimumRTT.begin(rtt: rtt, now: sample.now)
        let rate = RateSample(sample, unusableUntil: probeRTT.unusableUntil)
        updateModelAndState(rate)
        setPacingRate(gain: state.pacingGain)
        setWindow(rate)
        if rounds.isStart {
            wasWindowFull = isWindowFull
            isWindowFull = false
        }
    }

    /// §5.2.3
    private mutating func updateModelAndState(_ rate: RateSample) {
        respondToMarks(rate)
        latest.begin(rate)
        updateBandwidth(rate)
        adaptLowerBounds()
        aggregation.update(
            rate, bandwidth: bandwidth, limit: window, round: rounds.count,
            length: fullBandwidth.wasReached ? AggregationEstimator.rounds : 1)
        if rounds.isStart, !rate.isApplicationLimited {
            fullBandwidth.update(bandwidth: rate.bytesPerSecond)
        }
        checkStartupDone(rate)
        checkDrainDone(rate)
        updateProbeBW(rate)
        updateMinimumRTT(rate)
        checkProbeRTT(rate)
        latest.advance(rate)
        bandwidth = min(maximumBandwidth.value, shortTerm.bandwidth)
    }

    mutating func onLoss(_ sample: LossSample) {
        noteCongestion(isMark: false, delivered: sample.totalDelivered)
        guard probe.isSample else { return }
        let inFlight = Double(sample.stamp.bytesInFlight)
        let lost = Double(sample.totalLost - sample.stamp.lost)
        guard Self.isInflightTooHigh(lost: lost, inFlight: inFlight) else { return }
        let safe = Self.inflightAtLoss(size: Double(sample.size), lost: lost, inFlight: inFlight)
        handleInflightTooHigh(
            inFlight: safe, isApplicationLimited: sample.isApplicationLimited, now: sample.now,
            delivered: sample.totalDelivered)
    }

    /// Losses were told one by one; a mark is treated like the losses of a round that are too many
    /// (RFC 3168 §5), when the acknowledgement that brought it is processed.
    mutating func onCongestionEvent(now: Instant, isExplicit: Bool) {
        if isExplicit { isMarked = true }
    }

    /// §5.6.4.4: as after a retransmission timeout; the window grows back with what is delivered.
    mutating func onPersistentCongestion() {
        window = Double(Self.minimumCongestionWindow(maximumDatagramSize: maximumDatagramSize))
    }

    /// §5.5.11.2
    mutating func undo(to before: BBR) {
        window = max(window, before.window)
        latest.endCongestion()
        fullBandwidth.reset()
        shortTerm.bandwidth = max(shortTerm.bandwidth, before.shortTerm.bandwidth)
        shortTerm.inflight = max(shortTerm.inflight, before.shortTerm.inflight)
        inflightLongTerm = max(inflightLongTerm, before.inflightLongTerm)
        if undoState == .startup, state != .startup {
            fullBandwidth.wasReached = false
            if state != .probeRTT { state = .startup }
        } else if undoState == .probeUp, state != .probeUp, state != .probeRTT {
            startProbeRefill(delivered: rounds.delivered)
        }
        undoState = nil
    }

    mutating func didChangeMaximumDatagramSize(_ size: Int) {
        let isUntouched = pacingRate == nil && window == initialWindow
        maximumDatagramSize = size
        // RFC 9002 §7.2: what was computed from the size is computed anew.
        if isUntouched { window = initialWindow }
        window = max(
            window, Double(Self.minimumCongestionWindow(maximumDatagramSize: size)))
    }

    // MARK: Control parameters (§5.6)

    private mutating func setPacingRate(gain: Double) {
        let rate = gain * bandwidth * (1 - Self.pacingMargin)
        guard rate > 0 else { return }
        guard let present = pacingRate, !fullBandwidth.wasReached, rate <= present else {
            pacingRate = rate
            return
        }
    }

    /// What leaves at once: the pacer's burst.
    private var sendQuantum: Double {
        max(
            min((pacingRate ?? 0) * 0.001, Double(Pacer.maximumBurst)),
            Double(2 * maximumDatagramSize))
    }

    /// Bytes in flight that take `gain` × BDP, and what trains of datagrams need (§5.6.4.2).
    func inflight(gain: Double, bandwidth: Double? = nil, extra: Double = 0) -> Double {
        let trains = 3 * sendQuantum
        let volume = bandwidthDelayProduct(bandwidth: bandwidth).map { gain * $0 } ?? initialWindow
        let bounded = max(volume + extra, trains, minimumPipeWindow)
        return state == .probeUp ? bounded + Double(2 * maximumDatagramSize) : bounded
    }

    /// `nil` as long as no round trip is known.
    func bandwidthDelayProduct(bandwidth: Double? = nil) -> Double? {
        minimumRTT.value.map { (bandwidth ?? self.bandwidth) * $0.inSeconds }
    }

    /// BDP, unless congestion cut the window.
    var targetInflight: Double { min(bandwidthDelayProduct() ?? initialWindow, window) }

    /// §5.6.4.6
    private mutating func setWindow(_ rate: RateSample) {
        let acknowledged = rate.newlyAcknowledged
        let maximum = inflight(gain: state.windowGain, extra: aggregation.extraAcknowledged)
        if fullBandwidth.wasReached {
            window = min(window + acknowledged, maximum)
        } else if window < maximum || Double(rate.totalDelivered) < initialWindow {
            window += acknowledged
        }
        window = max(window, minimumPipeWindow)
        if state == .probeRTT { window = min(window, probeRTTWindow) }
        window = min(window, max(windowBound, minimumPipeWindow))
    }

    /// The bound that recent congestion sets (§5.6.4.7).
    private var windowBound: Double {
        switch state {
        case .probeDown, .probeRefill, .probeUp: min(inflightLongTerm, shortTerm.inflight)
        case .probeCruise, .probeRTT: min(inflightWithHeadroom, shortTerm.inflight)
        case .startup, .drain: shortTerm.inflight
        }
    }
}
