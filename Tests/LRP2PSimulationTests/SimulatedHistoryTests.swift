import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// Runs a history; a failure is recorded with the command that replays it.
func runHistory(
    _ scenario: Scenario, _ location: SourceLocation = #_sourceLocation
) -> HistoryReport? {
    do {
        return try SimulatedHistory.run(scenario)
    } catch {
        Issue.record("\(error.description)", sourceLocation: location)
        return nil
    }
}

@Suite struct SimulatedHistoryTests {
    /// A debug build runs all of them in seconds; `lrp2p-bench simulate --count` runs as many
    /// more as one likes.
    static let maximumBytes = 400_000
    static let seedsPerBatch: UInt64 = 50

    @Test("random histories keep every promise", arguments: 0..<48 as Range<UInt64>)
    func randomHistories(batch: UInt64) {
        var undelivered = 0
        for seed in (batch * Self.seedsPerBatch)..<((batch + 1) * Self.seedsPerBatch) {
            let scenario = Scenario.make(seed: seed, maximumBytes: Self.maximumBytes)
            guard let report = runHistory(scenario) else { return }
            let hasMoved = !scenario.disturbances.isEmpty
            if scenario.mustDeliver, !hasMoved, !report.isDelivered { undelivered += 1 }
        }
        // Only a handshake whose every answer was lost may end so; several of them are no chance.
        #expect(undelivered <= 1)
    }

    @Test("the same seed gives the same history", arguments: HistoryKind.allCases)
    func determinism(kind: HistoryKind) throws {
        for seed: UInt64 in 1...3 {
            let scenario = Scenario.make(kind: kind, seed: seed, maximumBytes: 20_000)
            var lines: [String] = []
            let traced = try SimulatedHistory.run(scenario) { lines.append($0) }
            let plain = try SimulatedHistory.run(scenario)
            #expect(traced.digest == plain.digest)
            #expect(traced.steps == plain.steps && traced.elapsed == plain.elapsed)
            #expect(lines.count >= traced.datagramsSent)
        }
    }

    @Test func aHangIsAFailureThatSaysHowToSeeItAgain() {
        var scenario = Scenario.make(kind: .bulkBothWays, seed: 3, maximumBytes: 1000)
        for host in scenario.hosts.indices { scenario.hosts[host].idleTimeout = nil }
        for link in scenario.links.indices {
            scenario.links[link].conditions.partitions = [
                .milliseconds(300)..<(.seconds(1_000_000_000)),
            ]
        }
        let failure = #expect(throws: HistoryFailure.self) {
            try SimulatedHistory.run(scenario)
        }
        #expect(failure?.message.hasPrefix("hung") == true)
        #expect(failure?.state.contains("host 0 connection 0") == true)
        #expect(failure?.description.contains(scenario.replayCommand) == true)
    }

    /// Without a partition and without loss, a timeout has no excuse: here the peer is not there.
    @Test func anEndThatTheNetworkDoesNotExplainIsAFailure() {
        var scenario = Scenario.transfer(seed: 1, path: LinkConditions(), bytes: 100_000)
        for host in scenario.hosts.indices { scenario.hosts[host].isExtended = false }
        scenario.links[1].conditions.targetedFaults = [
            TargetedFault(lengths: 32...103, count: .max, effect: .drop),
            TargetedFault(lengths: 105...1400, count: .max, effect: .drop),
        ]
        let failure = #expect(throws: HistoryFailure.self) {
            try SimulatedHistory.run(scenario)
        }
        #expect(failure?.message.contains("the network does not explain it") == true)
    }

    /// Seeds that once showed a defect, and what it was. They stay, whatever else changes.
    static let regressions: [(
        kind: HistoryKind, seed: UInt64, maximumBytes: Int, defect: String
    )] = [
        (.corruptedHandshake, 1, 30_000, "a damaged message 1 occupied its connection id"),
        (.random, 557, 400_000, "finished before all of the stream was acknowledged"),
        (.random, 1540, 400_000, "a repeated message 1 was answered at its former address"),
        (.random, 3145, 400_000, "a probe of the path's size kept the pacer from sending data"),
        (.random, 15_772, 400_000, "a probe of the path's size filled the congestion window"),
    ]

    @Test(arguments: regressions)
    func aPastDefectStaysAway(kind: HistoryKind, seed: UInt64, maximumBytes: Int, defect: String) {
        let scenario = Scenario.make(kind: kind, seed: seed, maximumBytes: maximumBytes)
        #expect(runHistory(scenario)?.isDelivered == true, "\(defect) again")
    }
}
