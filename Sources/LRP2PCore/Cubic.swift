/// CUBIC (RFC 9438) in bytes, with HyStart++ (RFC 9406) in the first slow start.
struct Cubic: CongestionController {
    /// How fast the window returns to where it was: C, in segments per second cubed.
    private static let scale = 0.4
    /// What remains of the window after a congestion event: β.
    private static let decreaseFactor = 0.7
    /// Growth per round trip, in segments, that is fair to Reno with that β (§4.3).
    private static let renoIncrease = 3 * (1 - decreaseFactor) / (1 + decreaseFactor)
    /// Pacing rates in windows per round trip: enough for the window to grow, and to catch up
    /// after a pause (RFC 9002 §7.7).
    private static let slowStartPacingGain = 2.0
    private static let avoidancePacingGain = 1.25

    /// The segment of the RFC, in bytes.
    private var maximumDatagramSize: Int
    /// cwnd, in bytes like all windows here.
    private var window: Double
    /// ssthresh
    private var threshold = Double.infinity
    /// W_max: the window before the last reduction, less if it had not reached the one before.
    private var lastMaximum = 0.0
    /// cwnd_prior: the window before the last reduction.
    private var priorWindow = 0.0
    /// W_est: the window Reno would have.
    private var renoWindow = 0.0
    /// K, in seconds: when the curve is back at `lastMaximum`.
    private var plateauTime = 0.0
    /// When the present stage of congestion avoidance began; moves on while nothing can grow.
    private var epochStart: Instant?
    /// Since when the window has not been in full use.
    private var limitedSince: Instant?
    /// Only the first slow start knows too little of the path to need a watch on its delay.
    private var hyStart = HyStart()

    init(maximumDatagramSize: Int) {
        self.maximumDatagramSize = maximumDatagramSize
        window = Double(Self.initialCongestionWindow(maximumDatagramSize: maximumDatagramSize))
    }

    private var segment: Double { Double(maximumDatagramSize) }
    private var minimumWindow: Double {
        Double(Self.minimumCongestionWindow(maximumDatagramSize: maximumDatagramSize))
    }

    var congestionWindow: Int { Int(window) }
    var slowStartThreshold: Int? { threshold.isFinite ? Int(threshold) : nil }

    func pacingRate(rtt: RTTEstimator) -> Double? {
        guard rtt.hasSample else { return nil }
        let isDoubling = window < threshold && !hyStart.isConservative
        let gain = isDoubling ? Self.slowStartPacingGain : Self.avoidancePacingGain
        return gain * window / max(rtt.smoothed, .microseconds(1)).inSeconds
    }

    mutating func onSend(
        size: Int, bytesInFlightBefore: Int, isApplicationLimited: Bool, now: Instant
    ) {
        guard bytesInFlightBefore == 0 else { return }
        endPause(now: now)
    }

    mutating func onAcknowledgement(_ sample: AcknowledgementSample, rtt: RTTEstimator) {
        let isFirstSlowStart = !threshold.isFinite
        if isFirstSlowStart {
            hyStart.onAcknowledgement(
                largestAcknowledged: sample.largestAcknowledged,
                nextPacketNumber: sample.nextPacketNumber, rtt: sample.latestRTT)
        }
        let mayGrow = sample.isWindowLimited && sample.bytesInFlight > 0
        if mayGrow {
            endPause(now: sample.now)
        } else if limitedSince == nil {
            limitedSince = sample.now
        }
        guard sample.isWindowLimited, sample.acknowledgedSinceEvent > 0 else { return }
        var acknowledged = Double(sample.acknowledgedSinceEvent)
        if window < threshold {
            acknowledged = slowStart(
                acknowledged: sample.acknowledgedSinceEvent, isFirst: isFirstSlowStart)
        }
        guard acknowledged > 0 else { return }
        avoidCongestion(acknowledged: acknowledged, rtt: rtt, now: sample.now)
    }

    /// The curve must not run on while it cannot be followed (§4.2): its epoch moves by the pause.
    private mutating func endPause(now: Instant) {
        guard let since = limitedSince else { return }
        if let start = epochStart { epochStart = start + (now - since) }
        limitedSince = nil
    }

    /// - Returns: the acknowledged bytes that are left for congestion avoidance.
    private mutating func slowStart(acknowledged: Int, isFirst: Bool) -> Double {
        guard isFirst else {
            let grown = min(window + Double(acknowledged), threshold)
            let used = grown - window
            window = grown
            return Double(acknowledged) - used
        }
        window += Double(hyStart.growth(for: acknowledged))
        if hyStart.isDone {
            // The curve starts at its plateau: K = 0, W_max = cwnd (§4.10).
            threshold = window
            lastMaximum = 0
        }
        return 0
    }

    private mutating func avoidCongestion(acknowledged: Double, rtt: RTTEstimator, now: Instant) {
        let start = epochStart ?? startEpoch(now: now)
        let elapsed = (now - start).inSeconds
        let increase = renoWindow >= priorWindow ? 1 : Self.renoIncrease
        renoWindow += increase * segment * acknowledged / window
        let present = curve(at: elapsed)
        if present < renoWindow {
            window = max(window, renoWindow)
        } else {
            let target = min(
                max(curve(at: elapsed + rtt.smoothed.inSeconds), window), 1.5 * window)
            // An acknowledgement may cover a whole window or more: no further than the target.
            window += (target - window) * min(acknowledged / window, 1)
        }
    }

    private mutating func startEpoch(now: Instant) -> Instant {
        epochStart = now
        renoWindow = window
        lastMaximum = max(lastMaximum, window)
        plateauTime = cubeRoot((lastMaximum - window) / segment / Self.scale)
        return now
    }

    /// W_cubic(t) (§4.2).
    private func curve(at seconds: Double) -> Double {
        let distance = seconds - plateauTime
        return Self.scale * segment * distance * distance * distance + lastMaximum
    }

    mutating func onLoss(_ sample: LossSample) {}

    mutating func onCongestionEvent(now: Instant, isExplicit: Bool) {
        priorWindow = window
        // Fast convergence (§4.7): leave room for newcomers when the window is shrinking anyway.
        lastMaximum = window < lastMaximum ? window * (1 + Self.decreaseFactor) / 2 : window
        window = max(window * Self.decreaseFactor, minimumWindow)
        threshold = window
        epochStart = nil
        limitedSince = nil
    }

    mutating func onPersistentCongestion() {
        priorWindow = window
        threshold = max(window * Self.decreaseFactor, minimumWindow)
        window = minimumWindow
        // The next stage of congestion avoidance begins at its plateau (§4.8).
        lastMaximum = 0
        epochStart = nil
        limitedSince = nil
    }

    mutating func undo(to before: Cubic) {
        guard before.window > window else { return }
        let size = maximumDatagramSize
        self = before
        didChangeMaximumDatagramSize(size)
    }

    mutating func didChangeMaximumDatagramSize(_ size: Int) {
        let initial = Double(Self.initialCongestionWindow(maximumDatagramSize: maximumDatagramSize))
        let isUntouched = window == initial && !threshold.isFinite
        maximumDatagramSize = size
        // RFC 9002 §7.2: what was computed from the size is computed anew.
        if isUntouched {
            window = Double(Self.initialCongestionWindow(maximumDatagramSize: size))
        }
        window = max(window, minimumWindow)
        threshold = max(threshold, minimumWindow)
    }
}

/// Newton's iteration, so that the core needs no C mathematics; exact to 1e-9 relative. From above
/// the root each step comes closer, and the first is 2/3 of the start at most: 100 are enough for
/// any window.
private func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(1, value / 3)
    for _ in 0..<100 {
        let next = (2 * root + value / (root * root)) / 3
        if (next - root).magnitude <= 1e-9 * root { return next }
        root = next
    }
    return root
}
