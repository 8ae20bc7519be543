import Testing

@testable import LRP2PCore

/// RFC 9002 §5.3, by hand.
struct RTTEstimatorTests {
    @Test func firstSampleSetsEverything() {
        var rtt = RTTEstimator()
        #expect(rtt.smoothed == .milliseconds(333) && !rtt.hasSample)
        rtt.addSample(.milliseconds(80))
        #expect(rtt.smoothed == .milliseconds(80))
        #expect(rtt.variation == .milliseconds(40))
        #expect(rtt.minimum == .milliseconds(80))
        #expect(rtt.probeTimeout == .milliseconds(80 + 160 + 10))
    }

    @Test func laterSamplesAreWeighed() {
        var rtt = RTTEstimator()
        rtt.addSample(.milliseconds(80))
        rtt.addSample(.milliseconds(160))
        // variation = (3 · 40 + |80 − 160|) / 4, smoothed = (7 · 80 + 160) / 8
        #expect(rtt.variation == .milliseconds(50))
        #expect(rtt.smoothed == .milliseconds(90))
        #expect(rtt.minimum == .milliseconds(80))
        #expect(rtt.latest == .milliseconds(160))
    }

    @Test func aSteadyPathStillLeavesTheTimerItsGranularity() {
        var rtt = RTTEstimator()
        for _ in 0..<200 { rtt.addSample(.microseconds(100)) }
        #expect(rtt.probeTimeout >= .microseconds(100) + .milliseconds(1) + .milliseconds(10))
        #expect(rtt.probeTimeout < .milliseconds(12))
    }
}
