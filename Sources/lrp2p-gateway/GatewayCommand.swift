import ArgumentParser
import Gateway

/// The command line: one property for the flag of each row of `SettingTable`, which says the rest.
struct GatewayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lrp2p-gateway",
        abstract: "Encrypted peer-to-peer connections over UDP, used with plain HTTP.",
        usage: """
            lrp2p-gateway [<options>]
            lrp2p-gateway healthcheck [--timeout <duration>] [<options>]
            """,
        discussion: """
            Every option can also be set in the environment, as LRP2P_ and its name: \
            LRP2P_LOG_LEVEL for --log-level, with true or false where there is no value, and \
            commas in lists.

            Prints one line of JSON on standard output when it is ready: the HTTP address, the UDP \
            address and the peer id. Logs go to standard error. SIGHUP reads the file again. \
            SIGTERM and SIGINT stop it, a second one at once.
            """,
        version: GatewayVersion.current,
        subcommands: [HealthcheckCommand.self])

    @OptionGroup(title: "Configuration") var general: General
    @OptionGroup(title: "HTTP") var http: HTTP
    @OptionGroup(title: "Access") var access: Access
    @OptionGroup(title: "TLS") var tls: TLS
    @OptionGroup(title: "Peers") var peers: Peers
    @OptionGroup(title: "Memory and disk") var memory: Memory
    @OptionGroup(title: "Logs and shutdown") var operation: Operation

    struct General: ParsableArguments {
        @Option(SettingTable.config) var config: String?
        @Flag(help: "Print the settings in force and where each comes from, as a file, and end.")
        var printConfig = false
    }

    struct HTTP: ParsableArguments {
        @Option(SettingTable.httpAddress) var http: String?
        @Option(SettingTable.httpConnections) var httpConnections: String?
        @Option(SettingTable.httpConnectionsPerAddress) var httpConnectionsPerAddress: String?
        @Option(SettingTable.httpIdleTimeout) var httpIdleTimeout: String?
        @Option(SettingTable.httpHeaderTimeout) var httpHeaderTimeout: String?
    }

    struct Access: ParsableArguments {
        @Option(SettingTable.tokenFile) var tokenFile: String?
        @Flag(SettingTable.insecureHTTP) var insecureHTTP: Bool?
        @Option(SettingTable.allowedHost) var allowedHost: [String]
        @Option(SettingTable.requestRate) var requestRate: String?
        @Option(SettingTable.allowPeers) var allowPeers: String?
        @Option(SettingTable.dialAllow) var dialAllow: [String]
        @Option(SettingTable.dialDeny) var dialDeny: [String]
    }

    struct TLS: ParsableArguments {
        @Option(SettingTable.tlsCertificate) var tlsCertificate: String?
        @Option(SettingTable.tlsKey) var tlsKey: String?
        @Option(SettingTable.tlsClientCA) var tlsClientCA: String?
    }

    struct Peers: ParsableArguments {
        @Option(SettingTable.udp) var udp: String?
        @Option(SettingTable.sockets) var sockets: String?
        @Option(SettingTable.keyFile) var keyFile: String?
        @Option(SettingTable.idleTimeout) var idleTimeout: String?
        @Option(SettingTable.keepalive) var keepalive: String?
        @Option(SettingTable.congestionControl) var congestionControl: String?
        @Option(SettingTable.maxDatagram) var maxDatagram: String?
        @Option(SettingTable.applicationProtocol) var applicationProtocol: [String]
        @Flag(SettingTable.baseProtocol) var baseProtocol: Bool?
    }

    struct Memory: ParsableArguments {
        @Option(SettingTable.receiveBuffer) var receiveBuffer: String?
        @Option(SettingTable.sendBuffer) var sendBuffer: String?
        @Option(SettingTable.memoryBudget) var memoryBudget: String?
        @Option(SettingTable.readerTimeout) var readerTimeout: String?
        @Option(SettingTable.dataDir) var dataDir: String?
        @Option(SettingTable.spoolLimit) var spoolLimit: String?
    }

    struct Operation: ParsableArguments {
        @Option(SettingTable.logLevel) var logLevel: String?
        @Option(SettingTable.logFormat) var logFormat: String?
        @Option(SettingTable.drainTime) var drainTime: String?
    }
}

extension GatewayCommand {
    /// The texts given for a setting on the command line, `nil` when it is not there.
    func texts(of setting: SettingInfo) -> [String]? {
        switch setting.given {
        case .value(let path): self[keyPath: path].map { [$0] }
        case .list(let path): self[keyPath: path].isEmpty ? nil : self[keyPath: path]
        case .toggle(let path): self[keyPath: path].map { [$0 ? "true" : "false"] }
        }
    }
}

extension ArgumentHelp {
    fileprivate init(_ setting: SettingInfo) {
        let preset = setting.defaultNote ?? setting.defaultText
        let isToggle = if case .toggle = setting.given { true } else { false }
        let note = isToggle ? nil : preset.map { " (default: \($0))" }
        self.init("\(setting.help)\(note ?? "")", valueName: setting.valueName)
    }
}

extension Option where Value == String? {
    init<SettingValue>(_ setting: Setting<SettingValue>) {
        self.init(name: .customLong(setting.info.name), help: ArgumentHelp(setting.info))
    }
}

extension Option where Value == [String] {
    init<SettingValue>(_ setting: Setting<SettingValue>) {
        self.init(
            wrappedValue: [], name: .customLong(setting.info.name),
            help: ArgumentHelp(setting.info))
    }
}

extension Flag where Value == Bool? {
    init(_ setting: Setting<Bool>) {
        self.init(
            name: .customLong(setting.info.name), inversion: .prefixedNo,
            help: ArgumentHelp(setting.info))
    }
}
