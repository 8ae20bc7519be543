import ArgumentParser
import LRP2P

/// How the sockets of both processes are configured.
struct EndpointOptions: ParsableArguments {
    @Option(help: "Bytes of each send and receive buffer.")
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
        if let buffer {
            configuration.sendBufferBytes = buffer
            configuration.receiveBufferBytes = buffer
        }
        configuration.keepAliveInterval = keepalive?.interval
        return configuration
    }

    /// The same on a command line.
    var arguments: [String] {
        var arguments: [String] = []
        if let buffer { arguments += ["--buffer", "\(buffer)"] }
        if let keepalive { arguments += ["--keepalive", keepalive.description] }
        return arguments
    }
}
