import Testing

@testable import LRP2PCore

/// Rules of draft-ietf-ccwg-bbr-06, with datagrams of 1000 bytes and a round trip of 100 ms.
struct BBRTests {
    @Test func theFirstRateIsTheInitialWindowsPerRoundTrip() {
        let bbr = BBR(maximumDatagramSize: 1000)
        #expect(bbr.congestionWindow == 10_000)
        #expect(bbr.slowStartThreshold == nil)
        #expect(bbr.pacingRate(rtt: RTTEstimator()) == nil)
        let rate = bbr.pacingRate(rtt: rttEstimator(.milliseconds(100)))
        #expect(rate == 2.77 * 100_000)
    }

    @Test func startupSendsFasterAsLongAsThatDeliversMore() {
        var path = BBRPath()
        for rate in [1e5, 2e5, 4e5, 8e5, 1.6e6] {
            path.round(rate: rate, inFlight: 150_000)
            #expect(path.bbr.state == .startup)
            #expect(path.bbr.maximumBandwidth.value == rate)
            #expect((path.bbr.pacingRate ?? 0) >= 2.77 * rate * 0.99 - 1)
        }
    }

    @Test func threeRoundsWithoutGrowthEndStartup() {
        var path = BBRPath()
        for rate in [4e5, 8e5, 1e6, 1.1e6, 1.1e6] { path.round(rate: rate, inFlight: 150_000) }
        #expect(path.bbr.state == .startup)
        path.round(rate: 1.1e6, inFlight: 150_000)
        #expect(path.bbr.state == .drain)
        #expect((path.bbr.pacingRate ?? 0) < 0.51 * 1.1e6)
        path.round(rate: 1.1e6, inFlight: 120_000)
        #expect(path.bbr.state == .drain)
        path.round(rate: 1.1e6, inFlight: 100_000)
        #expect(path.bbr.state == .probeCruise)
        #expect(path.bbr.inflightLongTerm == .infinity)
    }

    @Test func roundsLimitedByTheApplicationProveNothing() {
        var path = BBRPath()
        path.round(rate: 1e6)
        for _ in 0..<20 { path.round(rate: 1e5, isApplicationLimited: true) }
        #expect(path.bbr.state == .startup)
        #expect(path.bbr.maximumBandwidth.value == 1e6)
        // More than was known is news all the same (§5.5.4).
        path.round(rate: 2e6, isApplicationLimited: true)
        #expect(path.bbr.maximumBandwidth.value == 2e6)
    }

    @Test func oneBurstOfLossesDoesNotEndStartup() {
        var path = BBRPath()
        for rate in [1e5, 2e5, 4e5] { path.round(rate: rate) }
        // One acknowledgement with losses is not enough: StartupFullLossCnt is 6 in a round.
        path.round(rate: 8e5, lost: 20)
        #expect(path.bbr.state == .startup)
        #expect(path.bbr.inflightLongTerm == .infinity)
    }

    @Test func aRoundWithSixLossesEndsStartup() {
        var path = BBRPath()
        for rate in [1e5, 2e5, 4e5] { path.round(rate: rate) }
        let before = path.bbr
        for _ in 0..<6 {
            path.round(rate: 4e5, lost: 3, isNewRound: false)
            #expect(path.bbr.state == .startup)
        }
        path.round(rate: 4e5, inFlight: 100_000, lost: 3)
        #expect(path.bbr.state == .drain)
        // The BDP, or what a round delivered.
        #expect(path.bbr.inflightLongTerm == 40_000)
        // They were none: more bandwidth is looked for again (§5.5.11.2).
        path.bbr.undo(to: before)
        #expect(path.bbr.state == .startup)
        #expect(!path.bbr.fullBandwidth.wasReached)
        #expect(path.bbr.inflightLongTerm == .infinity)
    }

    @Test func aMarkInStartupEndsIt() {
        var path = BBRPath()
        for rate in [1e5, 2e5, 4e5] { path.round(rate: rate) }
        path.bbr.onCongestionEvent(now: path.now, isExplicit: true)
        path.round(rate: 8e5, inFlight: 300_000)
        #expect(path.bbr.state == .drain)
        #expect(path.bbr.inflightLongTerm.isFinite)
    }

    @Test func aCycleDrainsCruisesRefillsAndProbes() {
        var path = BBRPath.settled()
        #expect(path.bbr.state == .probeCruise)
        let start = path.now
        path.run(until: .probeRefill)
        // Between 2 and 3 s after the last probe (§5.3.3.8).
        let wait = path.now - start
        #expect(wait > .milliseconds(1700) && wait < .milliseconds(3200))
        path.round(rate: 1e6, inFlight: 90_000)
        #expect(path.bbr.state == .probeUp)
        #expect((path.bbr.pacingRate ?? 0) > 1.2e6)
        // The rate does not grow: three rounds later it gives up, and drains what it queued.
        for _ in 0..<3 {
            #expect(path.bbr.state == .probeUp)
            path.round(rate: 1e6, inFlight: 125_000)
        }
        #expect(path.bbr.state == .probeDown)
        #expect((path.bbr.pacingRate ?? 0) < 0.9e6)
        path.round(rate: 1e6, inFlight: 110_000)
        #expect(path.bbr.state == .probeDown)
        path.round(rate: 1e6, inFlight: 99_000)
        #expect(path.bbr.state == .probeCruise)
        #expect(!path.bbr.probe.wasTooHigh)
    }

    @Test func moreBandwidthIsFound() {
        var path = BBRPath.settled()
        path.run(until: .probeUp)
        path.round(rate: 1.25e6, inFlight: 100_000)
        path.round(rate: 1.6e6, inFlight: 130_000)
        #expect(path.bbr.state == .probeUp)
        #expect(path.bbr.bandwidth == 1.6e6)
    }

    @Test func aProbeThatLosesTooMuchBoundsWhatIsInFlight() {
        var path = BBRPath.settled()
        path.run(until: .probeUp)
        path.round(rate: 1e6, inFlight: 100_000, lost: 1)
        #expect(path.bbr.state == .probeUp)
        // 2 % of 110 kB are crossed within the third packet (§5.5.10.2): 109 kB + 180 B / 0.98.
        path.round(rate: 1e6, inFlight: 110_000, lost: 3)
        #expect(path.bbr.state == .probeDown)
        #expect(path.bbr.probe.wasTooHigh)
        #expect((109_183...109_184).contains(path.bbr.inflightLongTerm))
        #expect(path.bbr.congestionWindow <= 109_184)
        path.run(until: .probeCruise)
        #expect(Double(path.bbr.congestionWindow) <= 0.85 * 109_184)
    }

    @Test func littleLossOutsideOfProbesCostsNothing() {
        var path = BBRPath.settled()
        path.run(until: .probeCruise)
        for _ in 0..<10 { path.round(rate: 0.98e6, inFlight: 90_000, lost: 1) }
        #expect(path.bbr.bandwidth == 1e6)
    }

    @Test func muchLossOutsideOfProbesLowersTheRateUntilTheNext() {
        var path = BBRPath.settled()
        path.run(until: .probeCruise)
        for _ in 0..<4 { path.round(rate: 5e5, inFlight: 90_000, lost: 10) }
        // No further than β in a round (§5.5.10.3).
        #expect(path.bbr.bandwidth <= 0.7e6 + 1)
        #expect(path.bbr.bandwidth >= 0.49e6)
        path.run(until: .probeRefill, rate: 5e5)
        #expect(path.bbr.bandwidth >= 0.99e6)
    }

    @Test func aMarkOutsideOfProbesLowersTheRate() {
        var path = BBRPath.settled()
        path.run(until: .probeCruise)
        path.bbr.onCongestionEvent(now: path.now, isExplicit: true)
        for _ in 0..<2 { path.round(rate: 8e5, inFlight: 90_000) }
        #expect(path.bbr.bandwidth == 1e6)
        path.bbr.onCongestionEvent(now: path.now, isExplicit: true)
        for _ in 0..<2 { path.round(rate: 8e5, inFlight: 90_000) }
        #expect(path.bbr.bandwidth == 8e5)
    }

    @Test func lossesThatWereNoneAreUndone() {
        var path = BBRPath.settled()
        path.run(until: .probeUp)
        let before = path.bbr
        path.round(rate: 1e6, inFlight: 110_000, lost: 3)
        #expect(path.bbr.state == .probeDown)
        path.bbr.undo(to: before)
        #expect(path.bbr.state == .probeRefill)
        #expect(path.bbr.inflightLongTerm == .infinity)
        #expect(path.bbr.shortTerm.bandwidth == .infinity)
        #expect(path.bbr.congestionWindow >= before.congestionWindow)
    }

    @Test func aQueueThatStaysCallsForProbeRTT() {
        var path = BBRPath.settled()
        let start = path.now
        var longest = 0
        while path.bbr.state != .probeRTT, longest < 100 {
            path.round(rate: 1e6, roundTrip: .milliseconds(120), inFlight: 120_000)
            longest += 1
        }
        // Five seconds after the last sample of 100 ms.
        #expect(path.now - start > .seconds(4) && path.now - start < .milliseconds(5300))
        #expect(path.bbr.congestionWindow <= 50_000)
        // 200 ms and a round trip once no more than that is in flight.
        path.round(rate: 4e5, inFlight: 50_000)
        #expect(path.bbr.state == .probeRTT)
        for _ in 0..<4 { path.round(rate: 4e5, inFlight: 50_000) }
        #expect(path.bbr.state == .probeCruise)
        #expect(path.bbr.congestionWindow > 100_000)
        #expect(path.bbr.bandwidth > 0.9e6)
        #expect(path.bbr.minimumRTT.value == .milliseconds(100))
    }

    @Test func aPathWithoutAQueueNeedsNoProbeRTT() {
        var path = BBRPath.settled()
        for _ in 0..<200 {
            path.round(rate: 1e6, roundTrip: .microseconds(100_500), inFlight: 90_000)
            #expect(path.bbr.state != .probeRTT)
        }
    }

    @Test func aLongerPathIsLearnt() {
        var path = BBRPath.settled()
        for _ in 0..<100 { path.round(rate: 1e6, roundTrip: .milliseconds(200), inFlight: 40_000) }
        #expect(path.bbr.minimumRTT.value == .milliseconds(200))
    }

    @Test func restartingFromIdlePacesAtTheBandwidth() {
        var path = BBRPath.settled()
        path.run(until: .probeUp)
        #expect((path.bbr.pacingRate ?? 0) > 1.2e6)
        path.bbr.onSend(
            size: 1000, bytesInFlightBefore: 0, isApplicationLimited: true,
            now: path.now + .seconds(20))
        #expect(path.bbr.pacingRate == 0.99e6)
        // Idleness has drained the queue: no ProbeRTT.
        path.now = path.now + .seconds(20)
        path.round(rate: 1e6)
        #expect(path.bbr.state != .probeRTT)
    }

    @Test func persistentCongestionLeavesTheMinimum() {
        var path = BBRPath.settled()
        path.bbr.onPersistentCongestion()
        #expect(path.bbr.congestionWindow == 2000)
        // With what is delivered, the window comes back.
        path.round(rate: 1e6, inFlight: 50_000)
        #expect(path.bbr.congestionWindow >= 100_000)
    }

    @Test func theWindowHoldsTwoDatagramsOfAnySize() {
        var bbr = BBR(maximumDatagramSize: 1400)
        bbr.didChangeMaximumDatagramSize(9000)
        #expect(bbr.congestionWindow == 18_000)
        bbr.onPersistentCongestion()
        bbr.didChangeMaximumDatagramSize(65_507)
        #expect(bbr.congestionWindow == 131_014)
    }
}
