/// CUBIC (RFC 9438), in segments.
struct Cubic: CongestionController {
    /// How fast the window returns to where it was: the constant C, in segments per second cubed.
    private static let scale = 0.4
    /// What remains of the window after a congestion event: β.
    private static let decreaseFactor = 0.7
    /// Growth per round trip that is fair to Reno with that β (§4.3).
    private static let renoIncrease = 3 * (1 - decreaseFactor) / (1 + decreaseFactor)

    private struct State: Sendable {
        /// cwnd
        var window = Double(Cubic.initialCongestionWindow)
        /// ssthresh
        var threshold = Double.infinity
        /// W_max: the window before the last reduction, less if it had not reached the one before.
        var lastMaximum = 0.0
        /// cwnd_prior: the window before the last reduction.
        var priorWindow = 0.0
        /// W_est: the window Reno would have.
        var renoWindow = 0.0
        /// K, in seconds: when the curve is back at `lastMaximum`.
        var plateauTime = 0.0
        /// When the present stage of congestion avoidance began.
        var epochStart: Instant?
        /// Since when the window has not been in full use.
        var limitedSince: Instant?
    }

    private var state = State()
    /// What to return to should the last reduction prove to have been a mistake.
    private var beforeLastEvent: State?

    var congestionWindow: Int { max(Self.minimumCongestionWindow, Int(state.window)) }
    var slowStartThreshold: Int? {
        state.threshold.isFinite ? Int(state.threshold) : nil
    }

    mutating func onAcknowledgement(rtt: RTTEstimator, isWindowLimited: Bool, now: Instant) {
        guard isWindowLimited else {
            if state.limitedSince == nil { state.limitedSince = now }
            return
        }
        if let since = state.limitedSince {
            // The curve must not run on while it cannot be followed (§4.2).
            if let start = state.epochStart { state.epochStart = start + (now - since) }
            state.limitedSince = nil
        }
        if state.window < state.threshold {
            state.window += 1
            return
        }
        avoidCongestion(rtt: rtt, now: now)
    }

    private mutating func avoidCongestion(rtt: RTTEstimator, now: Instant) {
        if state.epochStart == nil {
            state.epochStart = now
            state.renoWindow = state.window
            if state.lastMaximum < state.window { state.lastMaximum = state.window }
            state.plateauTime = cubeRoot((state.lastMaximum - state.window) / Self.scale)
        }
        let elapsed = (now - (state.epochStart ?? now)).inSeconds
        let increase = state.renoWindow >= state.priorWindow ? 1 : Self.renoIncrease
        state.renoWindow += increase / state.window
        if curve(at: elapsed) < state.renoWindow {
            state.window = max(state.window, state.renoWindow)
        } else {
            let target = min(
                max(curve(at: elapsed + rtt.smoothed.inSeconds), state.window),
                1.5 * state.window)
            state.window += (target - state.window) / state.window
        }
    }

    /// W_cubic(t) (§4.2).
    private func curve(at seconds: Double) -> Double {
        let distance = seconds - state.plateauTime
        return Self.scale * distance * distance * distance + state.lastMaximum
    }

    mutating func onCongestionEvent(now: Instant) {
        beforeLastEvent = state
        state.priorWindow = state.window
        // Fast convergence (§4.7): leave room for newcomers when the window is shrinking anyway.
        state.lastMaximum =
            state.window < state.lastMaximum
            ? state.window * (1 + Self.decreaseFactor) / 2 : state.window
        state.threshold = max(
            state.window * Self.decreaseFactor, Double(Self.minimumCongestionWindow))
        state.window = state.threshold
        state.epochStart = nil
        state.limitedSince = nil
    }

    mutating func onPersistentCongestion() {
        beforeLastEvent = nil
        state.lastMaximum = state.window
        state.priorWindow = state.window
        state.threshold = max(
            state.window * Self.decreaseFactor, Double(Self.minimumCongestionWindow))
        state.window = Double(Self.minimumCongestionWindow)
        state.epochStart = nil
        state.limitedSince = nil
    }

    mutating func onSpuriousCongestionEvent() {
        guard let before = beforeLastEvent else { return }
        beforeLastEvent = nil
        // What has been gained since is kept.
        if state.window < before.window { state = before }
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
