import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// Histories that aim at the extended protocol. With extensions off on a side they show that the
/// base protocol ends in order where it cannot deliver.
@Suite struct ExtendedHistoryTests {
    static let maximumBytes = 60_000

    private func run(
        _ kind: HistoryKind, seed: UInt64, mix: ExtensionMix,
        _ location: SourceLocation = #_sourceLocation
    ) -> (scenario: Scenario, report: HistoryReport)? {
        let scenario = Scenario.make(
            kind: kind, seed: seed, maximumBytes: Self.maximumBytes, extensions: mix)
        guard let report = runHistory(scenario, location) else { return nil }
        for (index, connection) in report.connections.enumerated()
        where scenario.mustDeliver(plan: index) {
            #expect(
                connection.deliveredAfter != nil, "\(scenario.replayCommand)",
                sourceLocation: location)
        }
        return (scenario, report)
    }

    /// Nobody waits for a timeout to find a peer that has moved.
    @Test(arguments: 1...10 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aTransferFollowsItsHosts(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.addressChange, seed: seed, mix: mix) else { return }
        let connection = report.connections[0]
        guard connection.isExtended else { return }
        #expect(
            connection.deliveredAfter.map { $0 < .seconds(60) } == true,
            "\(scenario.replayCommand)")
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aPathThatShrinksIsNoBlackHole(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.mtuBlackHole, seed: seed, mix: mix) else { return }
        let connection = report.connections[0]
        guard connection.isExtended else { return }
        #expect(
            connection.deliveredAfter.map { $0 < .seconds(60) } == true,
            "\(scenario.replayCommand)")
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aPathIsUsedAsWideAsItIs(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.mtuSearch, seed: seed, mix: mix) else { return }
        guard report.connections[0].isExtended else { return }
        // The longest datagram delivered, against half of what the path takes.
        let limit = scenario.links[0].conditions.maximumDatagram ?? 0
        let longest = report.links[0].longestDelivered
        #expect(longest <= limit && (limit > 9000 || longest > limit / 2),
            "\(longest) of \(limit) bytes: \(scenario.replayCommand)")
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func keysChangeInTheMiddleOfATransfer(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.rekey, seed: seed, mix: mix) else { return }
        if report.connections[0].isExtended {
            #expect(report.keyPhaseChanges > 0, "\(scenario.replayCommand)")
        } else {
            #expect(report.keyPhaseChanges == 0)
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aPeerThatDisappearsLeavesNothingBehind(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.halfOpen, seed: seed, mix: mix) else { return }
        #expect(report.connections[0].deliveredAfter == nil)
        #expect(report.connections[1].deliveredAfter != nil, "\(scenario.replayCommand)")
    }

    /// Who still has the connection hears of it by stateless reset, or by silence in the base
    /// protocol, and the host that has restarted is as good as new.
    @Test(arguments: 1...12 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aRestartIsNoticed(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.restart, seed: seed, mix: mix) else { return }
        #expect(report.connections[1].deliveredAfter != nil, "\(scenario.replayCommand)")
        let connection = report.connections[0]
        let restart = scenario.disturbances[0]
        let survivor = restart.host == 0
            ? (connection.responderClose, connection.responderClosedAt)
            : (connection.initiatorClose, connection.initiatorClosedAt)
        guard connection.isExtended, connection.deliveredAfter == nil,
            let reason = survivor.0, let time = survivor.1, reason != .handshakeTimeout
        else { return }
        // A keepalive is what an idle survivor has to say, every 5 s.
        #expect(
            reason == .statelessReset && time < restart.at + .seconds(10),
            "\(reason) at \(time.inSeconds) s: \(scenario.replayCommand)")
    }

    @Test(arguments: 1...1 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aThousandDatagramsLateIsNotLost(seed: UInt64, mix: ExtensionMix) {
        guard let (_, report) = run(.deepReordering, seed: seed, mix: mix) else { return }
        #expect(report.links[0].heldBack > 0)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func halfOfTheAcknowledgementsAreEnough(seed: UInt64, mix: ExtensionMix) {
        guard let (_, report) = run(.ackLoss, seed: seed, mix: mix) else { return }
        #expect(report.links[1].dropped(.targeted) > 0)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aClockMayGoForwardAtOnce(seed: UInt64, mix: ExtensionMix) {
        _ = run(.clockJumps, seed: seed, mix: mix)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func marksOnThePathSlowTheSender(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.ecn, seed: seed, mix: mix) else { return }
        let link = scenario.links[0].conditions
        if !report.connections[0].isExtended {
            #expect(report.links[0].marked == 0)
        } else if link.marksECN {
            #expect(report.links[0].marked > 0, "\(scenario.replayCommand)")
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aConnectionEndsByItselfOnceBothHaveFinished(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.finish, seed: seed, mix: mix) else { return }
        let connection = report.connections[0]
        let expected = connection.isExtended ? CloseReason.finished : .local
        #expect(
            connection.initiatorClose == expected && connection.responderClose == expected,
            "\(scenario.replayCommand)")
    }

    /// Where nothing is lost, the other side hears of it within a round trip or two.
    @Test(arguments: 1...16 as ClosedRange<UInt64>, ExtensionMix.allCases)
    func aCloseIsHeardInEveryState(seed: UInt64, mix: ExtensionMix) {
        guard let (scenario, report) = run(.closing, seed: seed, mix: mix) else { return }
        let connection = report.connections[0]
        let path = scenario.links[0].conditions
        guard connection.isExtended, path.loss == .never,
            let first = connection.initiatorClosedAt, let second = connection.responderClosedAt,
            connection.initiatorClose != .handshakeTimeout
        else { return }
        let queue = Double(path.queueBytes) / Double(path.bytesPerSecond ?? 1_000_000)
        let bound = (path.delay + path.jitter).inSeconds * 4 + queue * 2 + 0.2
        #expect(
            abs((first - second).inSeconds) < bound,
            "\((first - second).inSeconds) s apart: \(scenario.replayCommand)")
    }
}
