import Testing

@testable import LRP2PCore

struct CubicTests {
    private var rtt: RTTEstimator {
        var rtt = RTTEstimator()
        rtt.addSample(.milliseconds(100))
        return rtt
    }

    private func acknowledge(_ cubic: inout Cubic, _ count: Int, at now: Instant) {
        for _ in 0..<count {
            cubic.onAcknowledgement(rtt: rtt, isWindowLimited: true, now: now)
        }
    }

    @Test func slowStartDoublesPerRoundTrip() {
        var cubic = Cubic()
        #expect(cubic.congestionWindow == 10)
        #expect(cubic.slowStartThreshold == nil)
        acknowledge(&cubic, 10, at: .init(nanoseconds: 0))
        #expect(cubic.congestionWindow == 20)
    }

    @Test func aCongestionEventLeavesSevenTenths() {
        var cubic = Cubic()
        acknowledge(&cubic, 90, at: .init(nanoseconds: 0))
        #expect(cubic.congestionWindow == 100)
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        #expect(cubic.congestionWindow == 70)
        #expect(cubic.slowStartThreshold == 70)
    }

    @Test func growthFollowsTheCurve() {
        // K = ∛(W_max · (1 − β) / C) = ∛(1000 · 0.3 / 0.4) ≈ 9.086 s: at K the window is back.
        var cubic = Cubic()
        acknowledge(&cubic, 990, at: .init(nanoseconds: 0))
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        var now = Instant(nanoseconds: 0)
        var halfway = 0
        while now < Instant(nanoseconds: 9_086_000_000) {
            acknowledge(&cubic, cubic.congestionWindow, at: now)
            now = now + .milliseconds(100)
            if now == Instant(nanoseconds: 4_500_000_000) { halfway = cubic.congestionWindow }
        }
        #expect((990...1010).contains(cubic.congestionWindow))
        // W(4.5) = 0.4 · (4.5 − 9.086)³ + 1000 ≈ 961
        #expect((950...972).contains(halfway))
        // Beyond the plateau it probes, ever faster.
        while now < Instant(nanoseconds: 15_000_000_000) {
            acknowledge(&cubic, cubic.congestionWindow, at: now)
            now = now + .milliseconds(100)
        }
        // W(15) ≈ 1000 + 0.4 · 5.914³ ≈ 1083
        #expect((1070...1100).contains(cubic.congestionWindow))
    }

    @Test func smallWindowsAreFairToReno() {
        // With a short round trip the curve is slower than Reno, whose window then counts.
        var cubic = Cubic()
        acknowledge(&cubic, 10, at: .init(nanoseconds: 0))
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        #expect(cubic.congestionWindow == 14)
        var now = Instant(nanoseconds: 0)
        var short = RTTEstimator()
        short.addSample(.milliseconds(1))
        for _ in 0..<100 {
            for _ in 0..<cubic.congestionWindow {
                cubic.onAcknowledgement(rtt: short, isWindowLimited: true, now: now)
            }
            now = now + .milliseconds(1)
        }
        // α ≈ 0.529 a round trip until the window is back at 20, 1 from then on.
        #expect((95...115).contains(cubic.congestionWindow))
    }

    @Test func fastConvergenceGivesWay() {
        var cubic = Cubic()
        acknowledge(&cubic, 990, at: .init(nanoseconds: 0))
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        // W_max is 700 · 0.85 = 595 now, and K = ∛((595 − 490) / 0.4) ≈ 6.40 s.
        var now = Instant(nanoseconds: 0)
        while now < Instant(nanoseconds: 6_400_000_000) {
            acknowledge(&cubic, cubic.congestionWindow, at: now)
            now = now + .milliseconds(100)
        }
        #expect((588...602).contains(cubic.congestionWindow))
    }

    @Test func aWindowThatIsNotUsedDoesNotGrow() {
        var cubic = Cubic()
        for _ in 0..<1000 {
            cubic.onAcknowledgement(rtt: rtt, isWindowLimited: false, now: .init(nanoseconds: 0))
        }
        #expect(cubic.congestionWindow == 10)
        acknowledge(&cubic, 90, at: .init(nanoseconds: 0))
        cubic.onCongestionEvent(now: .init(nanoseconds: 0))
        acknowledge(&cubic, 10, at: .init(nanoseconds: 0))
        let before = cubic.congestionWindow
        // A pause of a minute must not let the curve run ahead.
        cubic.onAcknowledgement(rtt: rtt, isWindowLimited: false, now: .init(nanoseconds: 1))
        acknowledge(&cubic, 10, at: .init(nanoseconds: 60_000_000_000))
        #expect(cubic.congestionWindow <= before + 2)
    }

    @Test func persistentCongestionStartsAnew() {
        var cubic = Cubic()
        acknowledge(&cubic, 90, at: .init(nanoseconds: 0))
        cubic.onPersistentCongestion()
        #expect(cubic.congestionWindow == 2)
        #expect(cubic.slowStartThreshold == 70)
    }
}
