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
        endpoint.receiveBufferBytes = try Self.bytes("--receive-buffer", command.receiveBuffer)
        endpoint.sendBufferBytes = try Self.bytes("--send-buffer", command.sendBuffer)
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

    private static func bytes(_ option: String, _ text: String) throws(StartFailure) -> Int {
        guard let count = ByteCountText.parse(text), bufferBytes.contains(count) else {
            throw .badOption(
                option, text, allowed: "\(ByteCountText.allowed), from 4KiB to 1GiB")
        }
        return count
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
