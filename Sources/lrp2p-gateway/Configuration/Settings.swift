import Gateway
import LRP2P
import Logging

/// All settings, understood and fitting each other. `Wiring` hands them to the parts.
struct Settings: Sendable {
    struct HTTP: Sendable {
        let address: HostPort
        /// 0 for as many as open files allow.
        let connections: Int
        /// 0 for no limit of their own.
        let connectionsPerAddress: Int
        /// 0 for no limit.
        let idleTimeout: Duration
        let headerTimeout: Duration
    }

    struct Access: Sendable {
        let tokenFile: String?
        let isInsecure: Bool
        let allowedHosts: [String]
        /// Per second; 0 for no limit.
        let requestRate: Int
        let allowPeers: String?
        let dialAllow: [NetworkPrefix]
        let dialDeny: [NetworkPrefix]
    }

    struct TLS: Sendable {
        let certificate: String
        let key: String
        let clientCA: String?
    }

    struct Spool: Sendable {
        let directory: String
        /// In bytes.
        let limit: Int
    }

    let http: HTTP
    let access: Access
    let tls: TLS?
    let udp: SocketAddress
    let sockets: Int
    let keyFile: String
    let endpoint: EndpointConfiguration
    let readerTimeout: Duration
    let spool: Spool?
    let logLevel: Logger.Level
    let logFormat: LogFormat
    let drainTime: Duration

    init(_ sources: SettingSources) throws(StartFailure) {
        let reader = SettingReader(sources: sources)
        try reader.checkNeeds()
        http = try Self.http(reader)
        tls = try Self.tls(reader)
        access = Access(
            tokenFile: try reader.value(SettingTable.tokenFile),
            isInsecure: try reader.required(SettingTable.insecureHTTP),
            allowedHosts: try reader.list(SettingTable.allowedHost),
            requestRate: try reader.required(SettingTable.requestRate),
            allowPeers: try reader.value(SettingTable.allowPeers),
            dialAllow: try reader.list(SettingTable.dialAllow),
            dialDeny: try reader.list(SettingTable.dialDeny))
        udp = try reader.required(SettingTable.udp)
        sockets = try reader.required(SettingTable.sockets)
        endpoint = try Self.endpoint(reader)
        readerTimeout = try reader.required(SettingTable.readerTimeout)
        let limit = try reader.required(SettingTable.spoolLimit)
        spool = try reader.value(SettingTable.dataDir).map { Spool(directory: $0, limit: limit) }
        logLevel = try reader.required(SettingTable.logLevel)
        logFormat = try reader.required(SettingTable.logFormat)
        drainTime = try reader.required(SettingTable.drainTime)
        guard let keyFile = try reader.value(SettingTable.keyFile) else {
            throw .keyFile(.noDefaultPath)
        }
        self.keyFile = keyFile
        let isProtected = access.tokenFile != nil || tls?.clientCA != nil
        guard http.address.isLoopback || isProtected || access.isInsecure else {
            throw .openHTTP(http.address, reader.origin(of: SettingTable.httpAddress.info))
        }
    }

    /// Where the identity is, and what has arrived.
    var directories: [String] {
        [PathText.directory(of: keyFile)] + (spool.map { [$0.directory] } ?? [])
    }

    private static func http(_ reader: SettingReader) throws(StartFailure) -> HTTP {
        let address = try reader.required(SettingTable.httpAddress)
        // A name for this machine could lead elsewhere; the address is what is meant.
        let isName = address.host == "localhost"
        return HTTP(
            address: isName ? HostPort(host: "127.0.0.1", port: address.port) : address,
            connections: try reader.required(SettingTable.httpConnections),
            connectionsPerAddress: try reader.required(SettingTable.httpConnectionsPerAddress),
            idleTimeout: try reader.required(SettingTable.httpIdleTimeout),
            headerTimeout: try reader.required(SettingTable.httpHeaderTimeout))
    }

    private static func tls(_ reader: SettingReader) throws(StartFailure) -> TLS? {
        let certificate = try reader.value(SettingTable.tlsCertificate)
        let key = try reader.value(SettingTable.tlsKey)
        let clientCA = try reader.value(SettingTable.tlsClientCA)
        guard let certificate, let key else { return nil }
        return TLS(certificate: certificate, key: key, clientCA: clientCA)
    }

    private static func endpoint(
        _ reader: SettingReader
    ) throws(StartFailure) -> EndpointConfiguration {
        var endpoint = EndpointConfiguration()
        endpoint.idleTimeout = try reader.required(SettingTable.idleTimeout).map { Interval($0) }
        endpoint.keepAliveInterval =
            try reader.required(SettingTable.keepalive).map { Interval($0) }
        endpoint.receiveBufferBytes = try reader.required(SettingTable.receiveBuffer)
        endpoint.sendBufferBytes = try reader.required(SettingTable.sendBuffer)
        endpoint.memoryBudget = MemoryBudget(limit: try reader.required(SettingTable.memoryBudget))
        endpoint.congestionControl = try reader.required(SettingTable.congestionControl)
        endpoint.maximumDatagram = try reader.required(SettingTable.maxDatagram)
        endpoint.isExtended = try !reader.required(SettingTable.baseProtocol)
        endpoint.applicationProtocols = try protocols(reader, isExtended: endpoint.isExtended)
        return endpoint
    }

    /// The offer has to fit a datagram on every path.
    private static let maximumProtocols = 8
    private static let maximumProtocolBytes = 512

    private static func protocols(
        _ reader: SettingReader, isExtended: Bool
    ) throws(StartFailure) -> [String] {
        let setting = SettingTable.applicationProtocol
        let names = try reader.list(setting)
        let origin = reader.origin(of: setting.info)
        var length = 0
        for (index, name) in names.enumerated() {
            length += name.utf8.count
            guard index < maximumProtocols, length <= maximumProtocolBytes,
                !names[..<index].contains(name)
            else {
                throw .badValue(
                    setting.info.flag, origin, name,
                    problem: "has to be one of at most \(maximumProtocols) different names of "
                        + "\(maximumProtocolBytes) bytes together")
            }
        }
        guard names.isEmpty || isExtended else {
            throw .combination(
                setting.info.flag, origin, "cannot be with --base-protocol, which has no names")
        }
        return names
    }
}
