import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lrp2p-bench",
        abstract: "Measures LRP2P, and disturbs it.",
        discussion: """
            Each measurement stands beside the limit it is to be read against, found in the same \
            run. Figures of machines that do something else at the same time mean little.
            """,
        subcommands: [
            All.self, Throughput.self, Latency.self, Connections.self, Handshakes.self,
            Links.self, HTTP.self, Flood.self, Soak.self, LinkCommand.self, Simulate.self,
            Peer.self, Attend.self,
        ])
}
