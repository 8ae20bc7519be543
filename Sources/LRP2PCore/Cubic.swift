/// CUBIC (RFC 9438), in segments.
struct Cubic: CongestionController {
    /// How fast the window returns to where it was: the constant C, in segments per second cubed.
    private static let scale = 0.4
    /// What remains of the window after a congestion event: β.
    private static let decreaseFactor = 0.7
    /// Growth per round trip that is fair to Reno with that β (§4.3).
    private static let renoIncrease = 3 * (1 - decreaseFactor) / (1 + decreaseFactor)

    /// cwnd
    private var window = Double(Cubic.initialCongestionWindow)
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
    /// When the present stage of congestion avoidance began.
    private var epochStart: Instant?
    /// Since when the window has not been in full use.
    private var limitedSince: Instant?

    var congestionWindow: Int { max(Self.minimumCongestionWindow, Int(window)) }
    var slowStartThreshold: Int? {
        threshold.isFinite ? Int(threshold) : nil
    }

    mutating func onAcknowledgement(rtt: RTTEstimator, isWindowLimited: Bool, now: Instant) {
        guard isWindowLimited else {
            if limitedSince == nil { limitedSince = now }
            return
        }
        if let since = limitedSince {
            // The curve must not run on while it cannot be followed (§4.2).
            if let start = epochStart { epochStart = start + (now - since) }
            limitedSince = nil
        }
        if window < threshold {
            window += 1
            return
        }
        avoidCongestion(rtt: rtt, now: now)
    }

    private mutating func avoidCongestion(rtt: RTTEstimator, now: Instant) {
        if epochStart == nil {
            epochStart = now
            renoWindow = window
            if lastMaximum < window { lastMaximum = window }
            plateauTime = cubeRoot((lastMaximum - window) / Self.scale)
        }
        let elapsed = (now - (epochStart ?? now)).inSeconds
        let increase = renoWindow >= priorWindow ? 1 : Self.renoIncrease
        renoWindow += increase / window
        if curve(at: elapsed) < renoWindow {
            window = max(window, renoWindow)
        } else {
            let target = min(
                max(curve(at: elapsed + rtt.smoothed.inSeconds), window),
                1.5 * window)
            window += (target - window) / window
        }
    }

    /// W_cubic(t) (§4.2).
    private func curve(at seconds: Double) -> Double {
        let distance = seconds - plateauTime
        return Self.scale * distance * distance * distance + lastMaximum
    }

    mutating func onCongestionEvent(now: Instant) {
        priorWindow = window
        // Fast convergence (§4.7): leave room for newcomers when the window is shrinking anyway.
        lastMaximum =
            window < lastMaximum
            ? window * (1 + Self.decreaseFactor) / 2 : window
        threshold = max(
            window * Self.decreaseFactor, Double(Self.minimumCongestionWindow))
        window = threshold
        epochStart = nil
        limitedSince = nil
    }

    mutating func onPersistentCongestion() {
        lastMaximum = window
        priorWindow = window
        threshold = max(
            window * Self.decreaseFactor, Double(Self.minimumCongestionWindow))
        window = Double(Self.minimumCongestionWindow)
        epochStart = nil
        limitedSince = nil
    }
}

/// Newton's iteration, so that the core needs no C mathematics; exact to 1e-9 relative.
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
