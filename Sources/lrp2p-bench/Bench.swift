import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lrp2p-bench",
        abstract: "Measures LRP2P, and disturbs it.",
        subcommands: [Throughput.self, Latency.self, LinkCommand.self, Simulate.self, Peer.self])
}
