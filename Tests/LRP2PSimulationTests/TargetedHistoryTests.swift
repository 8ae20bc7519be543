import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// Histories that aim at one mechanism each.
@Suite struct TargetedHistoryTests {
    private func deliver(
        _ kind: HistoryKind, seed: UInt64, maximumBytes: Int = 30_000
    ) -> HistoryReport? {
        let scenario = Scenario.make(kind: kind, seed: seed, maximumBytes: maximumBytes)
        let report = runHistory(scenario)
        #expect(report?.isDelivered != false, "\(scenario.replayCommand)")
        return report
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aClosedWindowOpensAgain(seed: UInt64) {
        let scenario = Scenario.make(kind: .zeroWindow, seed: seed, maximumBytes: 30_000)
        let report = deliver(.zeroWindow, seed: seed)
        // It cannot have ended before the reader went on.
        let stallEnd = scenario.connections[0].responderReads.stalls[0].upperBound
        if let time = report?.connections[0].deliveredAfter { #expect(time >= stallEnd) }
    }

    /// The receiver says that its window is open; the sender does not wait for its probe.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func anOpenedWindowIsUsedAtOnce(seed: UInt64) {
        let scenario = Scenario.make(kind: .zeroWindow, seed: seed, maximumBytes: 30_000)
        let plan = scenario.connections[0]
        guard plan.responderReads.piece == ReadPlan.eager.piece else { return }
        guard let time = deliver(.zeroWindow, seed: seed)?.connections[0].deliveredAfter
        else { return }
        let path = scenario.links[0].conditions
        let windows = Double(plan.total) / Double(scenario.hosts[1].receiveBufferBytes) + 4
        let roundTrip = (path.delay + path.jitter).inSeconds * 2 + 0.02
        let onWire = Double(plan.total) / Double(path.bytesPerSecond ?? .max)
        let stall = plan.responderReads.stalls[0].upperBound.inSeconds
        #expect(time.inSeconds < stall + windows * roundTrip * 2 + onWire * 2)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aLostWindowUpdateIsMadeUpFor(seed: UInt64) {
        let report = deliver(.lostWindowUpdate, seed: seed)
        if let report { #expect(report.links[1].dropped(.partitioned) > 0) }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func sequenceNumbersWrap(seed: UInt64) {
        let report = deliver(.sequenceWrap, seed: seed)
        // 101 segments at most lie before 2³², and no segment holds more than 1362 bytes.
        if let report { #expect(report.connections[0].initiator.sentBytes > 101 * 1362) }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func aOneWayPartitionEndsInDeliveryOrTimeout(seed: UInt64) {
        let scenario = Scenario.make(kind: .oneWayPartition, seed: seed, maximumBytes: 30_000)
        guard let report = runHistory(scenario) else { return }
        if !report.isDelivered {
            let reason = report.connections[0].initiatorClose
            #expect(reason == .idleTimeout || reason == .handshakeTimeout)
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func aHandshakeSurvives30PercentLoss(seed: UInt64) {
        _ = deliver(.lossyHandshake, seed: seed)
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func aHandshakeSurvivesDamage(seed: UInt64) {
        _ = deliver(.corruptedHandshake, seed: seed)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aLostMessage3IsSentAgain(seed: UInt64) {
        let report = deliver(.lostMessage3, seed: seed)
        if let report { #expect(report.links[0].dropped(.targeted) > 0) }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func bothDirectionsAtOnce(seed: UInt64) {
        _ = deliver(.bulkBothWays, seed: seed)
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func fiftyConnectionsDoNotMix(seed: UInt64) {
        let report = deliver(.manyConnections, seed: seed, maximumBytes: 100_000)
        #expect(report?.connections.count == 50)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func threeHostsConnectToEachOther(seed: UInt64) {
        _ = deliver(.mesh, seed: seed)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func keepalivesHoldAnIdleConnection(seed: UInt64) {
        let report = deliver(.keepAlive, seed: seed)
        #expect(report?.connections[0].initiatorClose == .local)
        if let report { #expect(report.elapsed >= .seconds(300)) }
    }
}
