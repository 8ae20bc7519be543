/// ProbeRTT: now and then, lets the queue drain to see the round trip time without it
/// (draft-ietf-ccwg-bbr-06 §5.3.4).
extension BBR {
    /// The shortest round trip, of the last ten seconds and of those since the last ProbeRTT.
    struct MinimumRTTFilter: Sendable {
        private static let length: Interval = .seconds(10)
        private static let probeInterval: Interval = .seconds(5)
        /// A sample that exceeds the minimum by no more than this part of it confirms it: the queue
        /// was empty, which is all that ProbeRTT could bring about. (The draft wants a lower one,
        /// so that a lone flow that keeps no queue would halve its window for nothing.)
        private static let tolerance: Int64 = 64

        /// BBR.min_rtt
        private(set) var value: Interval?
        private var valueAt = Instant(nanoseconds: 0)
        /// BBR.probe_rtt_min_delay
        private var recent: Interval?
        private var recentAt = Instant(nanoseconds: 0)
        /// Whether it is time for a ProbeRTT.
        private(set) var isProbeDue = false

        /// Takes what was known before the first acknowledgement, from the handshake.
        mutating func begin(rtt: RTTEstimator, now: Instant) {
            guard value == nil, rtt.hasSample else { return }
            (value, valueAt) = (rtt.minimum, now)
            (recent, recentAt) = (rtt.minimum, now)
        }

        mutating func update(_ sample: Interval?, now: Instant) {
            isProbeDue = now > recentAt + Self.probeInterval
            if let sample {
                let known = recent ?? sample
                if isProbeDue || sample < known {
                    (recent, recentAt) = (sample, now)
                } else if sample <= known + known / Self.tolerance {
                    recentAt = now
                }
            }
            guard let recent else { return }
            if now > valueAt + Self.length || recent < (value ?? recent + .milliseconds(1)) {
                (value, valueAt) = (recent, recentAt)
            }
        }

        mutating func didProbe(now: Instant) { recentAt = now }
    }

    struct RTTProbe: Sendable {
        /// When it may end; `nil` until the queue has drained.
        var end: Instant?
        var isRoundDone = false
        /// Samples of packets sent while these bytes were delivered are too low: too little was
        /// in flight.
        var unusableUntil: Range<UInt64> = 0..<0
    }

    private static let probeRTTDuration: Interval = .milliseconds(200)

    var probeRTTWindow: Double {
        let gain = State.probeRTT.windowGain
        let volume = bandwidthDelayProduct().map { gain * $0 } ?? initialWindow
        return max(volume, minimumPipeWindow)
    }

    mutating func updateMinimumRTT(_ rate: RateSample) {
        minimumRTT.update(rate.rtt, now: rate.now)
    }

    mutating func checkProbeRTT(_ rate: RateSample) {
        if state != .probeRTT, minimumRTT.isProbeDue, !isRestartingFromIdle { startProbeRTT(rate) }
        if state == .probeRTT { handleProbeRTT(rate) }
        if rate.delivered > 0 { isRestartingFromIdle = false }
    }

    private mutating func startProbeRTT(_ rate: RateSample) {
        state = .probeRTT
        priorWindow = window
        probeRTT = RTTProbe(unusableUntil: rate.totalDelivered..<rate.totalDelivered)
        probe.phase = .probeStopping
        rounds.start(delivered: rate.totalDelivered)
    }

    private mutating func handleProbeRTT(_ rate: RateSample) {
        let lower = probeRTT.unusableUntil.lowerBound
        let upper = rate.totalDelivered + UInt64(rate.bytesInFlight)
        probeRTT.unusableUntil = lower..<max(upper, lower) + 1
        if probeRTT.end == nil {
            guard rate.bytesInFlight <= probeRTTWindow else { return }
            probeRTT.end = rate.now + Self.probeRTTDuration
            probeRTT.isRoundDone = false
            rounds.start(delivered: rate.totalDelivered)
        } else {
            if rounds.isStart { probeRTT.isRoundDone = true }
            if probeRTT.isRoundDone {
                checkProbeRTTDone(now: rate.now, delivered: rate.totalDelivered)
            }
        }
    }

    mutating func checkProbeRTTDone(now: Instant, delivered: UInt64) {
        guard let end = probeRTT.end, now > end else { return }
        probeRTT.end = nil
        minimumRTT.didProbe(now: now)
        window = max(window, priorWindow)
        shortTerm = ShortTermModel()
        guard fullBandwidth.wasReached else {
            state = .startup
            return
        }
        startProbeDown(now: now, delivered: delivered)
        // Nothing is left to drain.
        state = .probeCruise
    }
}
