import Testing

@testable import LRP2PCore

struct HyStartTests {
    /// A round of ten samples; its packets are numbered from `number`.
    private func round(
        _ hyStart: inout HyStart, from number: UInt64, rtt: Interval, samples: UInt64 = 10
    ) {
        for i in 0..<samples {
            hyStart.onAcknowledgement(
                largestAcknowledged: number + i, nextPacketNumber: number + samples, rtt: rtt)
        }
    }

    /// Ten rounds at `rtt`.
    private func settled(at rtt: Interval) -> HyStart {
        var hyStart = HyStart()
        for n in 0..<10 { round(&hyStart, from: UInt64(n) * 10, rtt: rtt) }
        return hyStart
    }

    @Test func aSteadyDelayKeepsSlowStart() {
        let hyStart = settled(at: .milliseconds(50))
        #expect(!hyStart.isConservative)
        #expect(!hyStart.isDone)
        #expect(hyStart.growth(for: 4000) == 4000)
    }

    /// RFC 9406 §4.2: an eighth of the round trip, but between 4 and 16 ms.
    @Test(arguments: [(8, 4), (64, 8), (400, 16)])
    func aLongerRoundTripSlowsGrowthDown(rtt: Int64, threshold: Int64) {
        var hyStart = settled(at: .milliseconds(rtt))
        var below = hyStart
        // The first sample still belongs to the round before.
        round(&below, from: 100, rtt: .milliseconds(rtt + threshold) - .microseconds(1))
        round(&below, from: 110, rtt: .milliseconds(rtt + threshold) - .microseconds(1))
        #expect(!below.isConservative)
        round(&hyStart, from: 100, rtt: .milliseconds(rtt + threshold))
        #expect(hyStart.isConservative)
        #expect(hyStart.growth(for: 4000) == 1000)
        #expect(!hyStart.isDone)
    }

    @Test func fewSamplesProveNothing() {
        var hyStart = settled(at: .milliseconds(50))
        round(&hyStart, from: 100, rtt: .milliseconds(90), samples: 7)
        #expect(!hyStart.isConservative)
    }

    @Test func aDelayThatStaysEndsSlowStartAfterFiveRounds() {
        var hyStart = settled(at: .milliseconds(50))
        for n in 10..<15 {
            round(&hyStart, from: UInt64(n) * 10, rtt: .milliseconds(60))
            #expect(!hyStart.isDone)
        }
        round(&hyStart, from: 150, rtt: .milliseconds(60))
        #expect(hyStart.isDone)
    }

    @Test func aDelayThatPassesResumesSlowStart() {
        var hyStart = settled(at: .milliseconds(50))
        round(&hyStart, from: 100, rtt: .milliseconds(60))
        #expect(hyStart.isConservative)
        round(&hyStart, from: 110, rtt: .milliseconds(51))
        #expect(!hyStart.isConservative)
        for n in 12..<20 { round(&hyStart, from: UInt64(n) * 10, rtt: .milliseconds(51)) }
        #expect(!hyStart.isDone)
    }

    @Test func cubicLeavesSlowStartWithoutALoss() {
        var cubic = Cubic(maximumDatagramSize: 1000)
        let rtt = rttEstimator(.milliseconds(50))
        var number: UInt64 = 0
        func round(_ latest: Interval) {
            for i in 0..<10 as Range<UInt64> {
                cubic.onAcknowledgement(
                    AcknowledgementSample(
                        now: .seconds(1), acknowledgedBytes: 1000, largestAcknowledged: number + i,
                        nextPacketNumber: number + 10, latestRTT: latest), rtt: rtt)
            }
            number += 10
        }
        for _ in 0..<3 { round(.milliseconds(50)) }
        #expect(cubic.congestionWindow == 40_000)
        for _ in 0..<6 { round(.milliseconds(60)) }
        let window = cubic.congestionWindow
        #expect(cubic.slowStartThreshold != nil)
        #expect((55_000...65_000).contains(window))
        // From there on its growth is that of congestion avoidance.
        round(.milliseconds(60))
        #expect(cubic.congestionWindow < window + 1000)
    }
}
