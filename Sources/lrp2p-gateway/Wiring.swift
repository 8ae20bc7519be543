import Gateway
import HTTPServer
import LRP2P
import Logging

/// The one place where the settings are handed to the parts.
enum Wiring {
    /// HTTP connections, where the system allows as many open files, and the files left for
    /// everything else.
    private static let maximumHTTPConnections = 12_288
    private static let reservedFiles = 64

    /// How many HTTP connections there may be, with so many open files.
    static func httpConnections(_ settings: Settings, openFiles: Int) -> Int {
        let wanted = settings.http.connections
        let possible = max(16, openFiles - reservedFiles)
        return min(wanted == 0 ? maximumHTTPConnections : wanted, possible)
    }

    static func socket(_ settings: Settings, _ identity: Identity) -> PeerSocketConfiguration {
        var configuration = PeerSocketConfiguration(identity: identity)
        configuration.endpoint = settings.endpoint
        configuration.sockets = settings.sockets
        return configuration
    }

    static func gateway(
        _ settings: Settings, httpConnections: Int, log: Logger
    ) -> GatewayConfiguration {
        var configuration = GatewayConfiguration(
            httpHost: settings.http.address.host, logger: log)
        configuration.limits = GatewayLimits(maximumHTTPConnections: httpConnections)
        return configuration
    }

    static func server(
        _ settings: Settings, httpConnections: Int, log: Logger
    ) -> HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.host = settings.http.address.host
        configuration.port = settings.http.address.port
        configuration.maximumConnections = httpConnections
        configuration.idleTimeoutSeconds = Int(settings.http.idleTimeout.roundedUp)
        configuration.errorResponse = Gateway.errorResponse
        configuration.log = { log.debug("libmicrohttpd", metadata: ["message": "\($0)"]) }
        return configuration
    }

    /// After SIGHUP: what can change while the gateway runs. Files that settings name are read
    /// again here, too, whether or not their names have changed.
    static func reload(_ settings: Settings, _ running: Running) {
        running.level.current = settings.logLevel
    }
}

extension Duration {
    /// In whole seconds.
    fileprivate var roundedUp: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
