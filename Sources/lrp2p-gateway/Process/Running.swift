import CLinux
import Gateway
import Glibc
import HTTPServer
import LRP2P
import Logging

/// The parts, started.
struct Running: Sendable {
    let settings: Settings
    let gateway: Gateway
    let server: HTTPServer
    let socket: PeerSocket
    let log: Logger
    let level: LogLevel

    init(
        _ settings: Settings, log: Logger, audit: Logger, level: LogLevel
    ) throws(StartFailure) {
        let connections = Wiring.httpConnections(settings, openFiles: raiseOpenFileLimit())
        if settings.access.isInsecure, !settings.http.address.isLoopback {
            log.warning(
                "anyone who reaches the HTTP address can use this gateway",
                metadata: ["http": "\(settings.http.address)"])
        }
        if connections < settings.http.connections {
            log.warning(
                "open files allow fewer HTTP connections than wanted",
                metadata: ["connections": "\(connections)"])
        }
        // Before there is a socket: it takes what arrives from its first moment on.
        let configuration = try Wiring.gateway(
            settings, httpConnections: connections, log: log, audit: audit)
        let identity: Identity
        do {
            identity = try KeyFile.loadOrCreate(at: settings.keyFile)
        } catch {
            throw .keyFile(error)
        }
        for directory in Set(settings.directories.filter { clinux_is_on_overlay($0) }) {
            log.warning(
                "what is kept here goes away with the container, mount a volume",
                metadata: [
                    "directory": "\(directory)",
                    "how": "docker run -v lrp2p:\(directory) ...",
                ])
        }
        let socket: PeerSocket
        do {
            socket = try PeerSocket.listen(
                on: settings.udp, configuration: Wiring.socket(settings, identity))
        } catch {
            throw .udp(error)
        }
        let gateway = Gateway(configuration: configuration, socket: socket)
        let server = HTTPServer(
            configuration: Wiring.server(settings, httpConnections: connections, log: log)
        ) { request in
            await gateway.handle(request)
        }
        do {
            try server.start()
        } catch {
            throw .http(error)
        }
        gateway.serverStarted(port: server.port) { [weak server] in
            server.map {
                HTTPServerFigures(
                    connections: $0.connectionCount, maximumConnections: connections,
                    certificateExpiry: $0.certificateExpiry)
            }
        }
        (self.settings, self.log, self.level) = (settings, log, level)
        (self.gateway, self.server, self.socket) = (gateway, server, socket)
    }

    /// The line that tells a program which started this one where to find it.
    func announce() {
        let http = HostPort(host: server.host, port: server.port)
        let udp = socket.localAddress
        let peer = socket.identity.peerID
        writeLine(
            "{\"http\":\"\(http)\",\"udp\":\"\(udp)\",\"peer_id\":\"\(peer)\"}", to: STDOUT_FILENO)
        let version = GatewayVersion.current
        log.info(
            "ready", metadata: ["http": "\(http)", "udp": "\(udp)", "version": "\(version)"])
    }
}
