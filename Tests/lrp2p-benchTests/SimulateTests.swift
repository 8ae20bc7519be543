import ArgumentParser
import LRP2P
import LRP2PSimulation
import Testing

@testable import lrp2p_bench

@Suite struct SimulateTests {
    private func scenario(_ arguments: [String]) throws -> Scenario {
        let command = try Simulate.parse(arguments)
        return command.measurement(on: try #require(command.link), seed: command.seed)
    }

    /// The printed command must make the same history again, also where a value was given in a
    /// form other than the printed one.
    @Test(arguments: [
        ["--link", "wan"],
        [
            "--link", "rough", "--seed", "7", "--loss", "7%", "--delay", "1.0015ms",
            "--jitter", "0.3ms", "--duplicate", "0.001%", "--reorder", "0.1", "--bandwidth",
            "16.000008mbit", "--queue", "90000", "--bytes", "1000", "--buffer", "65536",
            "--both-ways",
        ],
    ])
    func theReplayCommandMakesTheSameScenario(arguments: [String]) throws {
        let scenario = try scenario(arguments)
        let prefix = "swift run lrp2p-bench simulate "
        try #require(scenario.replayCommand.hasPrefix(prefix))
        let replayed = try self.scenario(
            scenario.replayCommand.dropFirst(prefix.count).split(separator: " ").map(String.init))
        #expect(replayed.seed == scenario.seed)
        #expect(replayed.links.map(\.conditions) == scenario.links.map(\.conditions))
        #expect(replayed.hosts.map(\.sendBufferBytes) == scenario.hosts.map(\.sendBufferBytes))
        #expect(replayed.hosts.map(\.receiveBufferBytes)
            == scenario.hosts.map(\.receiveBufferBytes))
        #expect(replayed.connections.map(\.initiatorWrites)
            == scenario.connections.map(\.initiatorWrites))
        #expect(replayed.connections.map(\.responderWrites)
            == scenario.connections.map(\.responderWrites))
        #expect(replayed.replayCommand == scenario.replayCommand)
    }

    @Test(arguments: ExtensionMix.allCases)
    func theReplayCommandOfAHistoryNamesItsExtensions(mix: ExtensionMix) throws {
        let scenario = Scenario.make(
            kind: .rekey, seed: 3, maximumBytes: 5000, extensions: mix)
        let prefix = "swift run lrp2p-bench simulate "
        let replayed = try Simulate.parse(
            scenario.replayCommand.dropFirst(prefix.count).split(separator: " ").map(String.init))
        #expect(replayed.history == .rekey && replayed.extensions == mix)
        #expect(replayed.seed == 3 && replayed.maxBytes == 5000)
    }

    @Test func optionsReplaceWhatThePresetSays() throws {
        let path = try scenario(["--link", "rough", "--loss", "2%", "--delay", "8ms"])
            .links[0].conditions
        var expected = LinkPreset.rough.conditions
        expected.loss = .independent(0.02)
        expected.delay = .milliseconds(8)
        #expect(path == expected)
    }
}
