import ArgumentParser
import LRP2P

/// How the sockets of both processes are configured.
struct EndpointOptions: ParsableArguments {
    @Option(help: "The largest datagram, in bytes, or `discovered`: what the path takes.")
    var datagram = DatagramSize.discovered

    @Option(help: "Congestion control.")
    var congestionControl = CongestionControlAlgorithm.cubic

    @Flag(help: "Speak the base protocol, as a reference peer does.")
    var baseProtocol = false

    @Option(help: "Bytes that each send and receive buffer may grow to.")
    var buffer: Int?

    @Option(help: "Keepalive interval, such as 20s; none by default.")
    var keepalive: Span?

    func validate() throws {
        if let buffer, !(4096...1 << 36).contains(buffer) {
            throw ValidationError("--buffer: 4096 … 2^36")
        }
    }

    var configuration: EndpointConfiguration {
        var configuration = EndpointConfiguration()
        configuration.maximumDatagram = datagram.bytes
        configuration.congestionControl = congestionControl
        configuration.isExtended = !baseProtocol
        if let buffer {
            configuration.sendBufferBytes = buffer
            configuration.receiveBufferBytes = buffer
        }
        configuration.keepAliveInterval = keepalive?.interval
        return configuration
    }

    /// The same on a command line.
    var arguments: [String] {
        var arguments = [
            "--datagram", datagram.description, "--congestion-control", congestionControl.rawValue,
        ]
        if baseProtocol { arguments.append("--base-protocol") }
        if let buffer { arguments += ["--buffer", "\(buffer)"] }
        if let keepalive { arguments += ["--keepalive", keepalive.description] }
        return arguments
    }
}

extension CongestionControlAlgorithm: ExpressibleByArgument {}

/// `1400`, or `discovered`.
enum DatagramSize: ExpressibleByArgument, Equatable, CustomStringConvertible {
    case discovered
    case atMost(Int)

    init?(argument: String) {
        if argument == "discovered" {
            self = .discovered
        } else if let bytes = Int(argument), (1200...WireFormat.maximumDatagram).contains(bytes) {
            self = .atMost(bytes)
        } else {
            return nil
        }
    }

    /// Of the largest datagram.
    var bytes: Int {
        switch self {
        case .discovered: WireFormat.maximumDatagram
        case .atMost(let bytes): bytes
        }
    }

    var description: String {
        switch self {
        case .discovered: "discovered"
        case .atMost(let bytes): "\(bytes)"
        }
    }
}
