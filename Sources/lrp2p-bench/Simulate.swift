import ArgumentParser
import LRP2PCore
import LRP2PSimulation

/// Runs histories of the simulated network: one that failed in a test, many new ones, or bulk data
/// over a named path to see what congestion control makes of it.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Replay a seeded network history, or measure goodput on a simulated link.",
        discussion: """
            A history follows from --history, --seed, --max-bytes and --extensions alone: the \
            same give the same datagrams at the same virtual nanoseconds, and the same digest. \
            With --link, bulk data crosses the named path instead; the options after it change \
            single conditions of that path, in both directions.
            """)

    @Option(help: "The seed; with --count, the first one.")
    var seed: UInt64 = 1

    @Option(help: "The family of histories.")
    var history: HistoryKind = .random

    @Option(help: "Bytes per direction of a connection at most, in a history.")
    var maxBytes = 400_000

    @Option(help: "Which hosts have the extended protocol on, if not as the seed says.")
    var extensions: ExtensionMix?

    @Option(help: "How many seeds in a row to run; stops at the first failure.")
    var count: UInt64 = 1

    @Flag(help: "With --count: go on after a failure.")
    var keepGoing = false

    @Flag(help: "Print every datagram and event.")
    var trace = false

    @Option(help: "Measure bulk data on this path instead of running a history.")
    var link: LinkPreset?

    @Option(help: "With --link: bytes to carry.")
    var bytes: UInt64 = 20_000_000

    @Flag(help: "With --link: carry the bytes in both directions at the same time.")
    var bothWays = false

    @Option(help: "With --link: bytes of the send and receive buffers.")
    var buffer: Int?

    @Option(help: "With --link: share of datagrams lost, such as 5%.")
    var loss: Share?

    @Option(help: "With --link: delay one way, such as 20ms.")
    var delay: Span?

    @Option(help: "With --link: variation of the delay up and down, such as 5ms.")
    var jitter: Span?

    @Option(help: "With --link: share of datagrams duplicated.")
    var duplicate: Share?

    @Option(help: "With --link: share of datagrams held back by 5 ms.")
    var reorder: Share?

    @Option(help: "With --link: rate of each direction, such as 100mbit.")
    var bandwidth: BitRate?

    @Option(help: "With --link: bytes the queue of the link holds.")
    var queue: Int?

    func validate() throws {
        for (name, value) in [
            ("queue", queue), ("buffer", buffer), ("max-bytes", maxBytes),
        ] {
            if let value, !(1...1 << 40).contains(value) {
                throw ValidationError("--\(name) is 1 to 2^40, not \(value)")
            }
        }
        if !(1...1 << 40).contains(bytes) {
            throw ValidationError("--bytes is 1 to 2^40, not \(bytes)")
        }
        if count > UInt64.max - seed { throw ValidationError("--seed plus --count is too large") }
    }

    func run() throws {
        var delivered: UInt64 = 0
        var failed: UInt64 = 0
        for seed in seed..<(seed + count) {
            let scenario = link.map { measurement(on: $0, seed: seed) }
                ?? Scenario.make(
                    kind: history, seed: seed, maximumBytes: maxBytes, extensions: extensions)
            let report: HistoryReport
            do {
                report = try SimulatedHistory.run(scenario, output: trace ? { print($0) } : nil)
            } catch {
                print(error.description)
                guard keepGoing else { throw ExitCode.failure }
                failed += 1
                continue
            }
            delivered += report.isDelivered ? 1 : 0
            if count == 1 || link != nil {
                let rate = scenario.links.first?.conditions.bytesPerSecond
                for line in report.summary(bytesPerSecond: rate) { print(line) }
            }
        }
        if count > 1 {
            print("\(count - failed) of \(count) histories kept every promise; \(delivered) "
                + "delivered everything")
        }
        if failed > 0 { throw ExitCode.failure }
    }

    func measurement(on preset: LinkPreset, seed: UInt64) -> Scenario {
        var path = preset.conditions
        if let loss { path.loss = .independent(loss.value) }
        if let delay { path.delay = delay.interval }
        if let jitter { path.jitter = jitter.interval }
        if let duplicate { path.duplication = duplicate.value }
        if let reorder { path.reordering = reorder.value }
        if let bandwidth { path.bytesPerSecond = bandwidth.bytesPerSecond }
        if let queue { path.queueBytes = queue }
        var configuration = EndpointConfiguration()
        if let buffer {
            configuration.sendBufferBytes = buffer
            configuration.receiveBufferBytes = buffer
        }
        var scenario = Scenario.transfer(
            seed: seed, path: path, bytes: bytes, bothWays: bothWays, configuration: configuration)
        scenario.replayArguments = replayArguments(preset, seed: seed)
        return scenario
    }

    private func replayArguments(_ preset: LinkPreset, seed: UInt64) -> String {
        var arguments = ["--link \(preset.rawValue)", "--seed \(seed)", "--bytes \(bytes)"]
        if bothWays { arguments.append("--both-ways") }
        for (name, value) in [
            ("buffer", buffer.map(String.init)), ("loss", loss?.description),
            ("delay", delay?.description), ("jitter", jitter?.description),
            ("duplicate", duplicate?.description), ("reorder", reorder?.description),
            ("bandwidth", bandwidth?.description), ("queue", queue.map(String.init)),
        ] {
            if let value { arguments.append("--\(name) \(value)") }
        }
        return arguments.joined(separator: " ")
    }
}

extension HistoryKind: ExpressibleByArgument {}
extension ExtensionMix: ExpressibleByArgument {}
extension LinkPreset: ExpressibleByArgument {}
