import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// Floors under goodput: far enough below what is reached that only a defect falls through.
@Suite struct LinkPresetTests {
    private func goodput(
        _ path: LinkConditions, bytes: UInt64, seed: UInt64 = 1, isExtended: Bool = true
    ) -> Double? {
        var configuration = EndpointConfiguration()
        configuration.isExtended = isExtended
        let report = runHistory(
            Scenario.transfer(seed: seed, path: path, bytes: bytes, configuration: configuration))
        #expect(report?.isDelivered != false)
        return report?.connections[0].deliveredAfter.map { Double(bytes) / $0.inSeconds }
    }

    @Test(arguments: [
        (LinkPreset.lan, 4_000_000 as UInt64, 0.8), (.wan, 12_000_000, 0.4),
        (.mobile, 4_000_000, 0.6),
    ])
    func fillsALinkThatOnlyCongestionDisturbs(preset: LinkPreset, bytes: UInt64, share: Double) {
        let path = preset.conditions
        guard let rate = path.bytesPerSecond, let goodput = goodput(path, bytes: bytes) else {
            Issue.record("no rate")
            return
        }
        #expect(goodput > share * Double(rate))
    }

    /// What Reno reaches at random loss p: 1.22 segments per round trip and √p (RFC 5348 §3.1 in
    /// its simple form). CUBIC is meant to reach it too (RFC 9438 §4.3).
    @Test(arguments: [LinkPreset.lossyWAN, .rough], 1...3 as ClosedRange<UInt64>)
    func reachesWhatRandomLossAllows(preset: LinkPreset, seed: UInt64) {
        let path = preset.conditions
        let roundTrip = path.delay.inSeconds * 2
        let expected = 1.22 * 1362 / (roundTrip * path.loss.expectedRatio.squareRoot())
        if let goodput = goodput(path, bytes: 2_000_000, seed: seed) {
            #expect(goodput > 0.5 * expected)
        }
    }

    /// Nothing is lost here, so every reduction of the congestion window is a mistake, to be
    /// taken back once an acknowledgement of the first sending shows it.
    @Test(arguments: 1...3 as ClosedRange<UInt64>, [true, false])
    func reorderingAloneDoesNotCollapseTheWindow(seed: UInt64, isExtended: Bool) {
        var path = LinkPreset.rough.conditions
        path.loss = .never
        if let goodput = goodput(
            path, bytes: 4_000_000, seed: seed, isExtended: isExtended) {
            #expect(goodput > (isExtended ? 900_000 : 2_500_000))
        }
    }

    @Test(arguments: LinkPreset.allCases)
    func everyPresetDelivers(preset: LinkPreset) {
        #expect(goodput(preset.conditions, bytes: 300_000) != nil)
    }
}
