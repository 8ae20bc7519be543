import Testing

@testable import LRP2PCore

/// Rules of RFC 9438 and RFC 9002 §7, with segments of 1000 bytes.
struct CubicTests {
    private static let segment = 1000
    private let rtt = rttEstimator(.milliseconds(100))
    private let start = Instant.seconds(1)

    private func acknowledge(
        _ cubic: inout Cubic, _ segments: Int, at now: Instant, rtt: RTTEstimator? = nil
    ) {
        for _ in 0..<segments {
            cubic.onAcknowledgement(
                AcknowledgementSample(now: now, acknowledgedBytes: Self.segment),
                rtt: rtt ?? self.rtt)
        }
    }

    /// In its first slow start, with a window of `segments`.
    private func cubic(window segments: Int) -> Cubic {
        var cubic = Cubic(maximumDatagramSize: Self.segment)
        acknowledge(&cubic, segments - 10, at: start)
        return cubic
    }

    /// A round trip of 100 ms after the other, each acknowledging a whole window.
    private func run(_ cubic: inout Cubic, from: Instant, to end: Instant) {
        var now = from
        while now < end {
            acknowledge(&cubic, cubic.congestionWindow / Self.segment, at: now)
            now = now + .milliseconds(100)
        }
    }

    /// RFC 9002 §7.2: ten datagrams, or 14720 bytes, or two datagrams.
    @Test(arguments: [(1400, 14_000), (1472, 14_720), (9000, 18_000), (65_507, 131_014)])
    func theInitialWindowIsTheOneOfRFC9002(size: Int, window: Int) {
        #expect(Cubic(maximumDatagramSize: size).congestionWindow == window)
    }

    @Test func slowStartDoublesPerRoundTrip() {
        var cubic = Cubic(maximumDatagramSize: Self.segment)
        #expect(cubic.congestionWindow == 10_000)
        #expect(cubic.slowStartThreshold == nil)
        acknowledge(&cubic, 10, at: start)
        #expect(cubic.congestionWindow == 20_000)
    }

    @Test func growthIsByBytesNotByAcknowledgements() {
        var cubic = Cubic(maximumDatagramSize: Self.segment)
        cubic.onAcknowledgement(
            AcknowledgementSample(now: start, acknowledgedBytes: 10_000), rtt: rtt)
        #expect(cubic.congestionWindow == 20_000)
    }

    @Test func aCongestionEventLeavesSevenTenths() {
        var cubic = cubic(window: 100)
        #expect(cubic.congestionWindow == 100_000)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        #expect(cubic.congestionWindow == 70_000)
        #expect(cubic.slowStartThreshold == 70_000)
    }

    @Test func packetsSentBeforeTheEventGrowNothing() {
        var cubic = cubic(window: 100)
        cubic.onCongestionEvent(now: start, isExplicit: true)
        var sample = AcknowledgementSample(now: start, acknowledgedBytes: 30_000)
        sample.acknowledgedSinceEvent = 0
        cubic.onAcknowledgement(sample, rtt: rtt)
        #expect(cubic.congestionWindow == 70_000)
    }

    @Test func growthFollowsTheCurve() {
        // K = ∛(W_max · (1 − β) / C) = ∛(1000 · 0.3 / 0.4) ≈ 9.086 s: at K the window is back.
        var cubic = cubic(window: 1000)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        run(&cubic, from: start, to: start + .milliseconds(4500))
        // W(4.5) = 0.4 · (4.5 − 9.086)³ + 1000 ≈ 961
        #expect((950_000...972_000).contains(cubic.congestionWindow))
        run(&cubic, from: start + .milliseconds(4500), to: start + .milliseconds(9086))
        #expect((990_000...1_010_000).contains(cubic.congestionWindow))
        // Beyond the plateau it probes, ever faster.
        run(&cubic, from: start + .milliseconds(9100), to: start + .seconds(15))
        // W(15) ≈ 1000 + 0.4 · 5.914³ ≈ 1083
        #expect((1_070_000...1_100_000).contains(cubic.congestionWindow))
    }

    @Test func oneAcknowledgementForAWindowGrowsLikeMany() {
        var many = cubic(window: 1000)
        many.onCongestionEvent(now: start, isExplicit: false)
        var one = many
        var now = start
        while now < start + .seconds(9) {
            acknowledge(&many, many.congestionWindow / Self.segment, at: now)
            one.onAcknowledgement(
                AcknowledgementSample(now: now, acknowledgedBytes: one.congestionWindow), rtt: rtt)
            now = now + .milliseconds(100)
        }
        let ratio = Double(one.congestionWindow) / Double(many.congestionWindow)
        #expect((0.98...1.02).contains(ratio))
    }

    @Test func smallWindowsAreFairToReno() {
        // With a short round trip the curve is slower than Reno, whose window then counts.
        var cubic = cubic(window: 20)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        #expect(cubic.congestionWindow == 14_000)
        var now = start
        for _ in 0..<100 {
            acknowledge(
                &cubic, cubic.congestionWindow / Self.segment, at: now,
                rtt: rttEstimator(.milliseconds(1)))
            now = now + .milliseconds(1)
        }
        // α ≈ 0.529 a round trip until the window is back at 20, 1 from then on.
        #expect((95_000...115_000).contains(cubic.congestionWindow))
    }

    @Test func fastConvergenceGivesWay() {
        var cubic = cubic(window: 1000)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        // W_max is 700 · 0.85 = 595 now, and K = ∛((595 − 490) / 0.4) ≈ 6.40 s.
        run(&cubic, from: start, to: start + .milliseconds(6400))
        #expect((588_000...602_000).contains(cubic.congestionWindow))
    }

    @Test func aWindowThatIsNotUsedDoesNotGrow() {
        var cubic = Cubic(maximumDatagramSize: Self.segment)
        let unused = AcknowledgementSample(
            now: start, acknowledgedBytes: Self.segment, isWindowLimited: false)
        for _ in 0..<1000 { cubic.onAcknowledgement(unused, rtt: rtt) }
        #expect(cubic.congestionWindow == 10_000)
        acknowledge(&cubic, 90, at: start)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        acknowledge(&cubic, 10, at: start)
        let before = cubic.congestionWindow
        // A minute of little use must not let the curve run ahead.
        cubic.onAcknowledgement(unused, rtt: rtt)
        acknowledge(&cubic, 10, at: start + .seconds(60))
        #expect(cubic.congestionWindow <= before + 2000)
    }

    @Test func anIdleMinuteDoesNotMoveTheCurve() {
        var cubic = cubic(window: 100)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        acknowledge(&cubic, 10, at: start)
        cubic.onAcknowledgement(
            AcknowledgementSample(now: start, acknowledgedBytes: 1000, bytesInFlight: 0), rtt: rtt)
        let before = cubic.congestionWindow
        let later = start + .seconds(60)
        cubic.onSend(size: 1000, bytesInFlightBefore: 0, isApplicationLimited: true, now: later)
        acknowledge(&cubic, 10, at: later)
        #expect(cubic.congestionWindow <= before + 2000)
    }

    @Test func persistentCongestionStartsAnew() {
        var cubic = cubic(window: 100)
        cubic.onPersistentCongestion()
        #expect(cubic.congestionWindow == 2000)
        #expect(cubic.slowStartThreshold == 70_000)
        acknowledge(&cubic, 68, at: start)
        #expect(cubic.congestionWindow == 70_000)
        // The curve then begins at its plateau (RFC 9438 §4.8): only Reno's growth at first.
        run(&cubic, from: start, to: start + .seconds(1))
        #expect((70_001...76_500).contains(cubic.congestionWindow))
    }

    @Test func lossesThatWereNoneAreUndone() {
        var cubic = cubic(window: 100)
        let before = cubic
        cubic.onCongestionEvent(now: start, isExplicit: false)
        cubic.undo(to: before)
        #expect(cubic.congestionWindow == 100_000)
        #expect(cubic.slowStartThreshold == nil)
        // A window that has since become larger stays (RFC 9438 §4.9).
        acknowledge(&cubic, 50, at: start)
        cubic.undo(to: before)
        #expect(cubic.congestionWindow == 150_000)
    }

    @Test func aLargerDatagramFitsTheWindow() {
        var fresh = Cubic(maximumDatagramSize: 1400)
        fresh.didChangeMaximumDatagramSize(9000)
        #expect(fresh.congestionWindow == 18_000)
        var small = Cubic(maximumDatagramSize: 1400)
        small.onPersistentCongestion()
        #expect(small.congestionWindow == 2800)
        small.didChangeMaximumDatagramSize(9000)
        #expect(small.congestionWindow == 18_000)
        var grown = cubic(window: 100)
        grown.didChangeMaximumDatagramSize(1400)
        #expect(grown.congestionWindow == 100_000)
    }

    @Test func pacingFollowsTheWindow() {
        var cubic = cubic(window: 100)
        #expect(cubic.pacingRate(rtt: RTTEstimator()) == nil)
        // 100 kB in 100 ms, twice as fast in slow start.
        #expect(cubic.pacingRate(rtt: rtt) == 2e6)
        cubic.onCongestionEvent(now: start, isExplicit: false)
        #expect(cubic.pacingRate(rtt: rtt) == 875_000)
    }
}
