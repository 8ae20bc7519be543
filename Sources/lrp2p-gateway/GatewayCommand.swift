import ArgumentParser
import Gateway
import LRP2P
import Logging

/// The command line: every option, its default and what it may be.
struct GatewayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lrp2p-gateway",
        abstract: "Encrypted peer-to-peer connections over UDP, used with plain HTTP.",
        discussion: """
            Prints one line of JSON on standard output when it is ready: the HTTP address, the UDP \
            address and the peer id. Logs go to standard error. SIGTERM and SIGINT stop it within \
            5 seconds.
            """,
        version: GatewayVersion.current)

    @Option(
        help: ArgumentHelp(
            "Where to serve HTTP; port 0 picks one.", valueName: "host:port"))
    var http = "127.0.0.1:8080"

    @Option(
        help: ArgumentHelp(
            "Where to talk to peers; port 0 picks one.", valueName: "host:port"))
    var udp = "0.0.0.0:3030"

    @Option(
        help: ArgumentHelp(
            "How many threads, up to 64, share the work for peers on the UDP port.",
            valueName: "number"))
    var sockets = "1"

    @Option(
        help: ArgumentHelp(
            """
            The file with this gateway's secret identity, made at the first start. (default: \
            $XDG_STATE_HOME/lrp2p-gateway/identity.key, or in ~/.local/state)
            """, valueName: "path"))
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "What to log: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "level"))
    var logLevel = Logger.Level.info.rawValue

    @Option(
        help: ArgumentHelp(
            "Close a connection after this much silence from its peer, or never.",
            valueName: "duration"))
    var idleTimeout = "5m"

    @Option(
        help: ArgumentHelp(
            "Send something when nothing was sent for so long, to keep a NAT open, or never.",
            valueName: "duration"))
    var keepalive = "never"

    @Option(
        help: ArgumentHelp(
            "Most bytes kept per connection for HTTP clients to read. Buffers grow as needed.",
            valueName: "bytes"))
    var receiveBuffer = "16MiB"

    @Option(
        help: ArgumentHelp(
            "Most bytes kept per connection until its peer has acknowledged them.",
            valueName: "bytes"))
    var sendBuffer = "16MiB"

    @Option(
        help: ArgumentHelp(
            "Most bytes by which the buffers of all connections may grow together.",
            valueName: "bytes"))
    var memoryBudget = "256MiB"

    @Option(
        help: ArgumentHelp(
            """
            How sending adapts to the path: \(CongestionControlAlgorithm.names). For all \
            connections that do not say otherwise.
            """, valueName: "algorithm"))
    var congestionControl = CongestionControlAlgorithm.cubic.rawValue

    @Option(
        help: ArgumentHelp(
            "Bytes of the largest UDP datagram to send or receive, 1200 to 65507.",
            valueName: "bytes"))
    var maxDatagram = "65507"

    @Option(
        help: ArgumentHelp(
            """
            What is spoken over connections, most wanted first; give it up to eight times. The \
            answering side chooses its first one that the other has too.
            """, valueName: "name"))
    var applicationProtocol: [String] = []

    @Flag(help: "Offer and accept nothing beyond the base protocol.")
    var baseProtocol = false

    @Flag(help: "Serve HTTP on an address others can reach, though anyone could use it then.")
    var insecureHTTP = false
}

extension CongestionControlAlgorithm {
    /// All of them, for people.
    static var names: String { allCases.map(\.rawValue).joined(separator: " or ") }
}
