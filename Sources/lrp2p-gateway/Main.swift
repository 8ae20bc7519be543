import ArgumentParser
import Gateway
import Glibc
import HTTPServer
import LRP2P
import Logging

/// Starts the parts, and ends them in the opposite order.
@main
enum Main {
    /// From the first signal to the end of the process, whatever clients and peers do; the
    /// promise is 5 s.
    private static let shutdownMilliseconds = 4500
    /// How long answers may take to leave, and then sent data to be acknowledged.
    private static let answerGrace: Duration = .seconds(2)
    private static let flushTime: Duration = .seconds(1)
    /// HTTP connections, where the system allows as many open files, and the files left for
    /// everything else.
    private static let maximumHTTPConnections = 12_288
    private static let reservedFiles = 64

    static func main() {
        let signals = Signals()
        let command = parseCommandLine()
        do throws(StartFailure) {
            let running = try start(try Settings(command))
            signals.wait()
            shutDown(running, signals: signals)
        } catch {
            writeLine("lrp2p-gateway: \(error)", to: STDERR_FILENO)
            exit(error.exitCode)
        }
    }

    private static func parseCommandLine() -> GatewayCommand {
        do {
            return try GatewayCommand.parse()
        } catch {
            // Help and version are errors to the parser; real ones are one line here.
            let code = GatewayCommand.exitCode(for: error)
            if code.isSuccess { GatewayCommand.exit(withError: error) }
            let message = GatewayCommand.message(for: error)
            writeLine("lrp2p-gateway: \(message); see --help", to: STDERR_FILENO)
            exit(code.rawValue)
        }
    }

    private struct Running {
        let gateway: Gateway
        let server: HTTPServer
        let socket: PeerSocket
        let log: Logger
    }

    private static func start(_ settings: Settings) throws(StartFailure) -> Running {
        var log = Logger(label: "lrp2p-gateway") { _ in StandardErrorLogHandler() }
        log.logLevel = settings.logLevel
        if !settings.http.isLoopback {
            log.warning(
                "anyone who reaches the HTTP address can use this gateway",
                metadata: ["http": "\(settings.http)"])
        }
        let openFiles = raiseOpenFileLimit()
        let identity: Identity
        do {
            identity = try KeyFile.loadOrCreate(at: settings.keyFile)
        } catch {
            throw .keyFile(error)
        }
        var configuration = PeerSocketConfiguration(identity: identity)
        configuration.endpoint = settings.endpoint
        configuration.sockets = settings.sockets
        let socket: PeerSocket
        do {
            socket = try PeerSocket.listen(on: settings.udp, configuration: configuration)
        } catch {
            throw .udp(error)
        }
        let httpConnections = max(16, min(maximumHTTPConnections, openFiles - reservedFiles))
        var gatewayConfiguration = GatewayConfiguration(httpHost: settings.http.host, logger: log)
        gatewayConfiguration.limits = GatewayLimits(maximumHTTPConnections: httpConnections)
        let gateway = Gateway(configuration: gatewayConfiguration, socket: socket)
        let server = makeServer(settings, gateway, connections: httpConnections, log: log)
        do {
            try server.start()
        } catch {
            throw .http(error)
        }
        gateway.setHTTPPort(server.port)
        announce(server, socket, log: log)
        return Running(gateway: gateway, server: server, socket: socket, log: log)
    }

    private static func makeServer(
        _ settings: Settings, _ gateway: Gateway, connections: Int, log: Logger
    ) -> HTTPServer {
        var configuration = HTTPServerConfiguration()
        configuration.host = settings.http.host
        configuration.port = settings.http.port
        configuration.maximumConnections = connections
        configuration.errorResponse = Gateway.errorResponse
        configuration.log = { log.debug("libmicrohttpd", metadata: ["message": "\($0)"]) }
        return HTTPServer(configuration: configuration) { request in
            await gateway.handle(request)
        }
    }

    /// The line that tells a program which started this one where to find it.
    private static func announce(_ server: HTTPServer, _ socket: PeerSocket, log: Logger) {
        let http = HostPort(host: server.host, port: server.port)
        let udp = socket.localAddress
        let peer = socket.identity.peerID
        writeLine(
            "{\"http\":\"\(http)\",\"udp\":\"\(udp)\",\"peer_id\":\"\(peer)\"}", to: STDOUT_FILENO)
        let version = GatewayVersion.current
        log.info(
            "ready", metadata: ["http": "\(http)", "udp": "\(udp)", "version": "\(version)"])
    }

    /// Waiters are answered, then connections closed. The main thread meanwhile keeps the promise
    /// that it ends in time; a second signal ends it at once.
    private static func shutDown(_ running: Running, signals: Signals) -> Never {
        running.log.info("shutting down")
        running.gateway.beginShutdown()
        Task {
            await running.server.stop(grace: answerGrace)
            await running.gateway.flush(deadline: .now + flushTime)
            await running.socket.close()
            running.log.info("stopped")
            exit(0)
        }
        if signals.wait(atMostMilliseconds: shutdownMilliseconds) {
            _exit(130)
        }
        _exit(0)
    }
}
