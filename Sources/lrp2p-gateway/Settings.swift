import Gateway
import Glibc
import LRP2P
import Logging

/// The command line, understood.
struct Settings {
    let http: HostPort
    let udp: SocketAddress
    let sockets: Int
    let keyFile: String
    let logLevel: Logger.Level
    let endpoint: EndpointConfiguration

    /// Bytes of a buffer of one connection.
    private static let bufferBytes = (4 << 10)...(1 << 30)
    /// Bytes by which all buffers may grow.
    private static let budgetBytes = (1 << 20)...(1 << 40)
    private static let datagramBytes = 1200...65_507
    /// Names in an offer, bytes of each and of all: the offer has to fit a datagram on every path.
    private static let maximumNames = 8
    private static let nameBytes = 1...255
    private static let maximumNameBytes = 512

    init(_ command: GatewayCommand) throws(StartFailure) {
        guard let http = HostPort(command.http) else {
            throw .badOption("--http", command.http, allowed: "HOST:PORT, such as 127.0.0.1:8080")
        }
        guard http.isLoopback || command.insecureHTTP else { throw .openHTTP(http) }
        // A name for this machine could lead elsewhere; the address is what is meant.
        self.http = http.host == "localhost" ? HostPort(host: "127.0.0.1", port: http.port) : http
        guard let udp = HostPort(command.udp)?.socketAddress else {
            throw .badOption("--udp", command.udp, allowed: "ADDRESS:PORT, such as 0.0.0.0:3030")
        }
        self.udp = udp
        guard let sockets = Int(command.sockets),
            PeerSocketConfiguration.allowedSockets.contains(sockets)
        else {
            throw .badOption("--sockets", command.sockets, allowed: "a number from 1 to 64")
        }
        self.sockets = sockets
        guard let level = Logger.Level(rawValue: command.logLevel) else {
            let allowed = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badOption("--log-level", command.logLevel, allowed: "one of \(allowed)")
        }
        logLevel = level
        var endpoint = EndpointConfiguration()
        endpoint.idleTimeout = try Self.interval("--idle-timeout", command.idleTimeout)
        endpoint.keepAliveInterval = try Self.interval("--keepalive", command.keepalive)
        endpoint.receiveBufferBytes = try Self.bytes(
            "--receive-buffer", command.receiveBuffer, in: Self.bufferBytes)
        endpoint.sendBufferBytes = try Self.bytes(
            "--send-buffer", command.sendBuffer, in: Self.bufferBytes)
        endpoint.memoryBudget = MemoryBudget(
            limit: try Self.bytes("--memory-budget", command.memoryBudget, in: Self.budgetBytes))
        try Self.setProtocol(of: &endpoint, command)
        self.endpoint = endpoint
        if let path = command.keyFile {
            keyFile = path
        } else {
            do {
                keyFile = try KeyFile.defaultPath(environment: Self.variable)
            } catch {
                throw .keyFile(error)
            }
        }
    }

    private static func interval(
        _ option: String, _ text: String
    ) throws(StartFailure) -> Interval? {
        if text == "never" { return nil }
        guard let duration = DurationText.parse(text), duration > .zero else {
            throw .badOption(
                option, text,
                allowed: "a whole number above 0 with a unit, such as 500ms, 30s or 5m, or never")
        }
        return Interval(duration)
    }

    private static func setProtocol(
        of endpoint: inout EndpointConfiguration, _ command: GatewayCommand
    ) throws(StartFailure) {
        endpoint.isExtended = !command.baseProtocol
        guard let algorithm = CongestionControlAlgorithm(rawValue: command.congestionControl) else {
            throw .badOption(
                "--congestion-control", command.congestionControl,
                allowed: CongestionControlAlgorithm.names)
        }
        endpoint.congestionControl = algorithm
        guard let datagram = Int(command.maxDatagram), datagramBytes.contains(datagram) else {
            throw .badOption(
                "--max-datagram", command.maxDatagram,
                allowed: "a number of bytes from 1200 to 65507")
        }
        endpoint.maximumDatagram = datagram
        var names: [String] = []
        var length = 0
        for name in command.applicationProtocol {
            length += name.utf8.count
            guard nameBytes.contains(name.utf8.count), names.count < maximumNames,
                length <= maximumNameBytes, !names.contains(name), !command.baseProtocol
            else {
                throw .badOption(
                    "--application-protocol", name,
                    allowed: "a name of 1 to 255 bytes, one of at most 8 different ones of 512 "
                        + "bytes together, and not with --base-protocol, which has no names")
            }
            names.append(name)
        }
        endpoint.applicationProtocols = names
    }

    private static func bytes(
        _ option: String, _ text: String, in range: ClosedRange<Int>
    ) throws(StartFailure) -> Int {
        guard let count = ByteCountText.parse(text), range.contains(count) else {
            let lower = ByteCountText.format(range.lowerBound)
            let upper = ByteCountText.format(range.upperBound)
            throw .badOption(
                option, text, allowed: "\(ByteCountText.allowed), from \(lower) to \(upper)")
        }
        return count
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
