import LRP2PCore
import Testing

@testable import LRP2PSimulation

@Suite struct ScenarioTests {
    private static let scenarios = (0..<1000 as Range<UInt64>).map {
        Scenario.make(seed: $0, maximumBytes: 400_000)
    }

    @Test(arguments: HistoryKind.allCases)
    func aSeedAlwaysMakesTheSameScenario(kind: HistoryKind) {
        let first = Scenario.make(kind: kind, seed: 5, maximumBytes: 1000)
        let again = Scenario.make(kind: kind, seed: 5, maximumBytes: 1000)
        #expect("\(first)" == "\(again)")
        #expect("\(first)" != "\(Scenario.make(kind: kind, seed: 6, maximumBytes: 1000))")
    }

    @Test func randomScenariosStayWithinTheirBounds() {
        for scenario in Self.scenarios {
            for link in scenario.links.map(\.conditions) {
                #expect((0...0.3).contains(link.loss.expectedRatio))
                #expect(link.delay <= .milliseconds(200) && link.jitter <= link.delay)
                #expect((0...0.1).contains(link.duplication))
                #expect((0...0.05).contains(link.corruption))
                if let rate = link.bytesPerSecond {
                    #expect((50_000...100_000_000).contains(rate))
                    #expect((10 * 1400...500 * 1400).contains(link.queueBytes))
                }
            }
            for plan in scenario.connections {
                #expect(plan.initiatorWrites.total <= 400_000)
                #expect(plan.responderWrites.total <= 400_000)
            }
            for host in scenario.hosts { #expect(host.receiveBufferBytes >= 4096) }
            // Who can never learn that the peer is gone must not be left alone by it.
            let canNotice = scenario.hosts.allSatisfy { $0.idleTimeout != nil }
            #expect(canNotice || scenario.mustDeliver)
            #expect(canNotice || scenario.connections.allSatisfy {
                $0.ending == .close || $0.ending == .finish
            })
        }
    }

    @Test func randomScenariosReachEveryCorner() {
        let all = Self.scenarios
        let links = all.flatMap { $0.links.map(\.conditions) }
        let plans = all.flatMap(\.connections)
        #expect(links.contains { $0.loss.expectedRatio > 0.25 })
        #expect(links.contains { if case .bursty = $0.loss { true } else { false } })
        #expect(links.contains { $0.delay > .milliseconds(150) })
        #expect(links.contains { $0.delay < .microseconds(50) })
        #expect(links.contains { $0.reordering > 0.2 })
        #expect(links.contains { $0.duplication > 0.09 })
        #expect(links.contains { $0.corruption > 0.045 })
        #expect(links.contains { ($0.bytesPerSecond ?? .max) < 100_000 })
        #expect(links.contains { ($0.bytesPerSecond ?? 0) > 50_000_000 })
        #expect(links.contains { $0.partitions.contains { $0.upperBound > .seconds(1_000_000) } })
        #expect(all.contains { $0.hosts[0].initialSequenceNumber > .max - 41 })
        #expect(all.contains { $0.hosts[0].receiveBufferBytes < 6000 })
        #expect(all.contains { $0.wakeGranularity > .zero })
        #expect(plans.contains { $0.initiatorWrites.total > 200_000 })
        #expect(plans.contains { $0.initiatorWrites.total == 0 && $0.responderWrites.total == 0 })
        #expect(plans.contains { $0.responderReads.stalls.count == 3 })
        for ending: Ending in [.close, .abandon, .silence, .finish] {
            #expect(plans.contains { $0.ending == ending })
        }
        #expect(plans.contains { if case .midway = $0.ending { true } else { false } })
        #expect(plans.contains { if case .responderMidway = $0.ending { true } else { false } })
        #expect(plans.contains { if case .bothMidway = $0.ending { true } else { false } })
        #expect(plans.contains { $0.finishes && $0.closesAt != nil })
        #expect(all.count { $0.mustDeliver } > 500)
    }

    @Test func randomScenariosReachEveryCornerOfTheExtendedProtocol() {
        let all = Self.scenarios
        let links = all.flatMap { $0.links.map(\.conditions) }
        for mix in ExtensionMix.allCases {
            #expect(all.contains { scenario in
                scenario.hosts.indices.allSatisfy {
                    scenario.hosts[$0].isExtended == mix.isExtended(host: $0)
                }
            })
        }
        #expect(links.contains { $0.maximumDatagram == 9000 })
        #expect(links.contains { $0.marksECN } && links.contains { $0.ecn == .clears })
        #expect(all.contains { $0.hosts[0].rekeyAfterPackets < 100 })
        #expect(all.contains { $0.hosts[0].congestionControl == .bbr })
        let effects = all.flatMap { $0.disturbances.map(\.effect) }
        #expect(effects.contains(.restart))
        #expect(effects.contains { if case .clockJump = $0 { true } else { false } })
        #expect(effects.contains {
            if case .newAddress(_, let grace) = $0 { grace == .zero } else { false }
        })
    }

    @Test func theReplayCommandNamesAllThatDecidesTheHistory() {
        let scenario = Scenario.make(kind: .zeroWindow, seed: 12, maximumBytes: 3000)
        #expect(scenario.replayCommand
            == "swift run lrp2p-bench simulate --history zero-window --seed 12 --max-bytes 3000")
        let forced = Scenario.make(
            kind: .rekey, seed: 12, maximumBytes: 3000, extensions: .firstOnly)
        #expect(forced.replayCommand.hasSuffix("--max-bytes 3000 --extensions first-only"))
    }

    @Test func whatTheHostsSpeakLeavesTheNetworkAsItWas() {
        for kind in HistoryKind.allCases where kind != .random {
            let all = ExtensionMix.allCases.map {
                Scenario.make(kind: kind, seed: 3, extensions: $0)
            }
            #expect(all.allSatisfy { "\($0.links)" == "\(all[0].links)" })
            #expect(all.allSatisfy { $0.disturbances == all[0].disturbances })
        }
    }

    @Test func onlyWhatTheHistoryExplainsExcusesAnEnd() {
        var scenario = Scenario.transfer(seed: 1, path: LinkConditions(), bytes: 1)
        scenario.disturbances = [
            Disturbance(at: .seconds(1), host: 0, effect: .clockJump(.seconds(2))),
        ]
        #expect(scenario.mustDeliver)
        scenario.disturbances[0].effect = .clockJump(.seconds(3))
        #expect(!scenario.mustDeliver)
        scenario.disturbances[0].effect = .restart
        #expect(!scenario.mustDeliver)
        scenario.connections[0].startsAt = .seconds(2)
        #expect(scenario.mustDeliver)
        scenario.links[0].conditions.mtuChanges = [
            MTUChange(at: .seconds(1), maximumDatagram: 1000),
        ]
        #expect(!scenario.mustDeliver)
    }

    @Test func aShortPartitionDoesNotExcuseAConnectionThatEnds() {
        var scenario = Scenario.transfer(seed: 1, path: LinkConditions(), bytes: 1)
        #expect(scenario.mustDeliver)
        scenario.hosts[0].handshakeTimeout = .seconds(600)
        scenario.hosts[1].handshakeTimeout = .seconds(600)
        scenario.links[0].conditions.partitions = [.zero..<(.seconds(2))]
        #expect(scenario.mustDeliver)
        scenario.links[0].conditions.partitions = [.zero..<(.seconds(20))]
        #expect(!scenario.mustDeliver)
        scenario.links[0].conditions.partitions = []
        scenario.links[0].conditions.loss = .independent(0.31)
        #expect(!scenario.mustDeliver)
    }
}
