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
            "Most bytes kept per connection for HTTP clients to read.", valueName: "bytes"))
    var receiveBuffer = "2MiB"

    @Option(
        help: ArgumentHelp(
            "Most bytes kept per connection until its peer has acknowledged them.",
            valueName: "bytes"))
    var sendBuffer = "2MiB"

    @Flag(help: "Serve HTTP on an address others can reach, though anyone could use it then.")
    var insecureHTTP = false
}
