import LRP2P
import Logging

extension SettingTable {
    // MARK: Peers

    static let peers = [
        udp.info, sockets.info, keyFile.info, idleTimeout.info, keepalive.info,
        congestionControl.info, maxDatagram.info, applicationProtocol.info, baseProtocol.info,
    ]
    static let udp = Setting(
        "udp", .value(\.peers.udp), .socketAddress(such: "0.0.0.0:3030"), default: "0.0.0.0:3030",
        help: "Where to talk to peers; port 0 picks one.")
    static let sockets = Setting(
        "sockets", .value(\.peers.sockets), .count(PeerSocketConfiguration.allowedSockets),
        default: "1",
        help: "How many threads, up to 64, share the work for peers on the UDP port.")
    static let keyFile = Setting(
        "key-file", .value(\.peers.keyFile), .path,
        defaultNote: "$XDG_STATE_HOME/lrp2p-gateway/identity.key, or in ~/.local/state",
        help: "The file with this gateway's secret identity, made at the first start.")
    static let idleTimeout = Setting(
        "idle-timeout", .value(\.peers.idleTimeout), .durationOrNever, default: "5m",
        help: "Close a connection after this much silence from its peer, or never.")
    static let keepalive = Setting(
        "keepalive", .value(\.peers.keepalive), .durationOrNever, default: "never",
        help: "Send something when nothing was sent for so long, to keep a NAT open, or never.")
    static let congestionControl = Setting(
        "congestion-control", .value(\.peers.congestionControl),
        SettingForm<CongestionControlAlgorithm>.choice("algorithm"), default: "cubic",
        help: """
            How sending adapts to the path: cubic or bbr. For all connections that do not say \
            otherwise.
            """)
    static let maxDatagram = Setting(
        "max-datagram", .value(\.peers.maxDatagram), .count(1200...65_507, of: "bytes"),
        default: "65507", help: "Bytes of the largest UDP datagram to send or receive.")
    static let applicationProtocol = Setting(
        "application-protocol", .list(\.peers.applicationProtocol),
        .text("a name of 1 to 255 bytes without a comma", bytes: 1...255),
        help: """
            What is spoken over connections, most wanted first; give it up to eight times. The \
            answering side chooses its first one that the other has too.
            """)
    static let baseProtocol = Setting(
        "base-protocol", .toggle(\.peers.baseProtocol), .boolean, default: "false",
        help: "Offer and accept nothing beyond the base protocol.")

    // MARK: Memory and disk

    static let memory = [
        receiveBuffer.info, sendBuffer.info, memoryBudget.info, readerTimeout.info, dataDir.info,
        spoolLimit.info,
    ]
    /// Bytes of a buffer of one connection.
    private static let bufferBytes = (4 << 10)...(1 << 30)
    static let receiveBuffer = Setting(
        "receive-buffer", .value(\.memory.receiveBuffer), .bytes(bufferBytes), default: "16MiB",
        help: "Most bytes kept per connection for HTTP clients to read. Buffers grow as needed.")
    static let sendBuffer = Setting(
        "send-buffer", .value(\.memory.sendBuffer), .bytes(bufferBytes), default: "16MiB",
        help: "Most bytes kept per connection until its peer has acknowledged them.")
    static let memoryBudget = Setting(
        "memory-budget", .value(\.memory.memoryBudget), .bytes((1 << 20)...(1 << 40)),
        default: "256MiB",
        help: "Most bytes by which the buffers of all connections may grow together.")
    static let readerTimeout = Setting(
        "reader-timeout", .value(\.memory.readerTimeout),
        .duration(from: .seconds(1), to: .seconds(86_400), zero: nil), default: "1m",
        help: "How long a reader that does not read may hold back others of its connection.")
    static let dataDir = Setting(
        "data-dir", .value(\.memory.dataDir), .path,
        help: "The directory that keeps what was received until it is read, across restarts.")
    static let spoolLimit = Setting(
        "spool-limit", .value(\.memory.spoolLimit), .bytes((1 << 20)...(1 << 50)),
        default: "10GiB", needs: ["data-dir"], help: "Most bytes kept there.")

    // MARK: Logs and shutdown

    static let operation = [logLevel.info, logFormat.info, drainTime.info]
    static let logLevel = Setting(
        "log-level", .value(\.operation.logLevel), SettingForm<Logger.Level>.choice("level"),
        default: "info", isReloadable: true,
        help: "What to log: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).")
    static let logFormat = Setting(
        "log-format", .value(\.operation.logFormat), SettingForm<LogFormat>.choice("format"),
        default: "text", help: "How to log: text for people, or json, an object a line.")
    static let drainTime = Setting(
        "drain-time", .value(\.operation.drainTime),
        .duration(to: .seconds(600), zero: "none"), default: "3s",
        help: "How long requests are still served after SIGTERM, while a peer is connected.")
}
