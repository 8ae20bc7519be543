import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// Histories that aim at one mechanism each.
@Suite struct TargetedHistoryTests {
    private func deliver(
        _ kind: HistoryKind, seed: UInt64, mix: ExtensionMix, maximumBytes: Int = 30_000
    ) -> HistoryReport? {
        let scenario = Scenario.make(
            kind: kind, seed: seed, maximumBytes: maximumBytes, extensions: mix)
        let report = runHistory(scenario)
        #expect(report?.isDelivered != false, "\(scenario.replayCommand)")
        return report
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aClosedWindowOpensAgain(seed: UInt64, mix: ExtensionMix) {
        let scenario = Scenario.make(
            kind: .zeroWindow, seed: seed, maximumBytes: 30_000, extensions: mix)
        let report = deliver(.zeroWindow, seed: seed, mix: mix)
        // It cannot have ended before the reader went on.
        let stallEnd = scenario.connections[0].responderReads.stalls[0].upperBound
        if let time = report?.connections[0].deliveredAfter { #expect(time >= stallEnd) }
    }

    /// The receiver says that its window is open; the sender does not wait for its probe.
    @Test(arguments: 1...12 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func anOpenedWindowIsUsedAtOnce(seed: UInt64, mix: ExtensionMix) {
        let scenario = Scenario.make(
            kind: .zeroWindow, seed: seed, maximumBytes: 30_000, extensions: mix)
        let plan = scenario.connections[0]
        guard plan.responderReads.piece == ReadPlan.eager.piece else { return }
        guard let time = deliver(.zeroWindow, seed: seed, mix: mix)?.connections[0].deliveredAfter
        else { return }
        let path = scenario.links[0].conditions
        let windows = Double(plan.total) / Double(scenario.hosts[1].receiveBufferBytes) + 4
        let roundTrip = (path.delay + path.jitter).inSeconds * 2 + 0.02
        let onWire = Double(plan.total) / Double(path.bytesPerSecond ?? .max)
        let stall = plan.responderReads.stalls[0].upperBound.inSeconds
        #expect(time.inSeconds < stall + windows * roundTrip * 2 + onWire * 2)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aLostWindowUpdateIsMadeUpFor(seed: UInt64, mix: ExtensionMix) {
        let report = deliver(.lostWindowUpdate, seed: seed, mix: mix)
        if let report { #expect(report.links[1].dropped(.partitioned) > 0) }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func sequenceNumbersWrap(seed: UInt64, mix: ExtensionMix) {
        let report = deliver(.sequenceWrap, seed: seed, mix: mix)
        // 101 segments at most lie before 2³², and no segment holds more than 1362 bytes.
        if let report { #expect(report.connections[0].initiator.sentBytes > 101 * 1362) }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aOneWayPartitionEndsInDeliveryOrTimeout(seed: UInt64, mix: ExtensionMix) {
        let scenario = Scenario.make(
            kind: .oneWayPartition, seed: seed, maximumBytes: 30_000, extensions: mix)
        guard let report = runHistory(scenario) else { return }
        if !report.isDelivered {
            let reason = report.connections[0].initiatorClose
            #expect(reason == .idleTimeout || reason == .handshakeTimeout)
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aHandshakeSurvives30PercentLoss(seed: UInt64, mix: ExtensionMix) {
        _ = deliver(.lossyHandshake, seed: seed, mix: mix)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aHandshakeSurvivesDamage(seed: UInt64, mix: ExtensionMix) {
        _ = deliver(.corruptedHandshake, seed: seed, mix: mix)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aLostMessage3IsSentAgain(seed: UInt64, mix: ExtensionMix) {
        let report = deliver(.lostMessage3, seed: seed, mix: mix)
        if let report { #expect(report.links[0].dropped(.targeted) > 0) }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func bothDirectionsAtOnce(seed: UInt64, mix: ExtensionMix) {
        _ = deliver(.bulkBothWays, seed: seed, mix: mix)
    }

    @Test(arguments: 1...1 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func fiftyConnectionsDoNotMix(seed: UInt64, mix: ExtensionMix) {
        let report = deliver(.manyConnections, seed: seed, mix: mix, maximumBytes: 100_000)
        #expect(report?.connections.count == 50)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func threeHostsConnectToEachOther(seed: UInt64, mix: ExtensionMix) {
        _ = deliver(.mesh, seed: seed, mix: mix)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func keepalivesHoldAnIdleConnection(seed: UInt64, mix: ExtensionMix) {
        let report = deliver(.keepAlive, seed: seed, mix: mix)
        #expect(report?.connections[0].initiatorClose == .local)
        if let report { #expect(report.elapsed >= .seconds(300)) }
    }
}
