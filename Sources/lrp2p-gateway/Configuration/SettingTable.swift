import LRP2P
import Logging

/// The table of all settings. Flags, environment variables, the file, the help, `--print-config`
/// and error messages follow from it; a new setting also needs a property in `GatewayCommand`, for
/// the flag, and one in `Settings`, for the value.
enum SettingTable {
    static let all: [SettingInfo] =
        [config.info] + http + access + tls + peers + memory + operation

    static subscript(name: String) -> SettingInfo? { all.first { $0.name == name } }

    static let config = Setting(
        "config", .value(\.general.config), .path, isAllowedInFile: false,
        help: """
            A file with settings, one NAME=value a line, named as in the environment. Flags win \
            over the environment, and both over the file.
            """)

    // MARK: HTTP

    private static let http = [
        httpAddress.info, httpConnections.info, httpConnectionsPerAddress.info,
        httpIdleTimeout.info, httpHeaderTimeout.info,
    ]
    static let httpAddress = Setting(
        "http", .value(\.http.http), .hostPort(such: "127.0.0.1:8080"), default: "127.0.0.1:8080",
        help: "Where to serve HTTP; port 0 picks one.")
    static let httpConnections = Setting(
        "http-connections", .value(\.http.httpConnections), .count(0...1_000_000), default: "0",
        help: "Most HTTP connections at a time; 0 for as many as open files allow.")
    static let httpConnectionsPerAddress = Setting(
        "http-connections-per-address", .value(\.http.httpConnectionsPerAddress),
        .count(0...1_000_000), default: "0",
        help: "Most HTTP connections from one address; 0 for no limit of their own.")
    static let httpIdleTimeout = Setting(
        "http-idle-timeout", .value(\.http.httpIdleTimeout),
        .duration(from: .seconds(1), to: .seconds(86_400), zero: "no limit"), default: "1m",
        help: "Close an HTTP connection that is silent for so long.")
    static let httpHeaderTimeout = Setting(
        "http-header-timeout", .value(\.http.httpHeaderTimeout),
        .duration(from: .seconds(1), to: .seconds(3600), zero: "no limit"), default: "10s",
        help: "How long the header of a request may take to arrive.")

    // MARK: Access

    private static let access = [
        tokenFile.info, insecureHTTP.info, allowedHost.info, requestRate.info, allowPeers.info,
        dialAllow.info, dialDeny.info,
    ]
    static let tokenFile = Setting(
        "token-file", .value(\.access.tokenFile), .path, isReloadable: true,
        help: "The file with the tokens that HTTP clients need, and what each may do.")
    static let insecureHTTP = Setting(
        "insecure-http", .toggle(\.access.insecureHTTP), .boolean, default: "false",
        help: "Serve HTTP where others can reach it, though anyone could use it then.")
    static let allowedHost = Setting(
        "allowed-host", .list(\.access.allowedHost), .hostName, isReloadable: true,
        help: "A further name for this gateway in the Host header field; repeat it for more.")
    static let requestRate = Setting(
        "request-rate", .value(\.access.requestRate), .count(0...1_000_000, of: "requests"),
        default: "0", isReloadable: true,
        help: "Most requests a second of one token, or address without one; 0 for no limit.")
    static let allowPeers = Setting(
        "allow-peers", .value(\.access.allowPeers), .path, isReloadable: true,
        help: "The file with the peer ids that may connect and be connected to, one a line.")
    static let dialAllow = Setting(
        "dial-allow", .list(\.access.dialAllow), .network, isReloadable: true,
        help: "A network whose addresses may be connected to, and no others; repeat it for more.")
    static let dialDeny = Setting(
        "dial-deny", .list(\.access.dialDeny), .network, isReloadable: true,
        help: "A network whose addresses may not be connected to; wins over --dial-allow.")

    // MARK: TLS

    private static let tls = [tlsCertificate.info, tlsKey.info, tlsClientCA.info]
    static let tlsCertificate = Setting(
        "tls-certificate", .value(\.tls.tlsCertificate), .path, needs: ["tls-key"],
        help: "The file with the certificate, and those that lead to it, in PEM: serve HTTPS.")
    static let tlsKey = Setting(
        "tls-key", .value(\.tls.tlsKey), .path, needs: ["tls-certificate"],
        help: "The file with its private key in PEM.")
    static let tlsClientCA = Setting(
        "tls-client-ca", .value(\.tls.tlsClientCA), .path, needs: ["tls-certificate"],
        help: "The file with the certificates that clients' own have to come from, in PEM.")
}
