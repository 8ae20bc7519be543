import Gateway
import HTTPServer
import LRP2P
import Logging
import Spool

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
        // What the peer is told has arrived is on the disk.
        configuration.endpoint.confirmsDelivery = settings.spool != nil
        configuration.sockets = settings.sockets
        return configuration
    }

    static func gateway(
        _ settings: Settings, httpConnections: Int, log: Logger, audit: Logger
    ) throws(StartFailure) -> GatewayConfiguration {
        var configuration = GatewayConfiguration(
            httpHost: settings.http.address.host, logger: log)
        configuration.auditLogger = audit
        configuration.limits = GatewayLimits(maximumHTTPConnections: httpConnections)
        configuration.limits.readerTimeout = settings.readerTimeout
        configuration.limits.maximumKeptConnections = settings.endpoint.maximumConnections
        configuration.access = try access(settings)
        configuration.spool = try spool(settings)
        return configuration
    }

    /// Reads the files that settings name.
    private static func access(_ settings: Settings) throws(StartFailure) -> AccessConfiguration {
        var access = AccessConfiguration()
        access.requiresClientCertificate = settings.tls?.clientCA != nil
        access.allowedHosts = settings.access.allowedHosts
        access.dial.allow = settings.access.dialAllow
        access.dial.deny = settings.access.dialDeny
        let rate = settings.access.requestRate
        access.rates.requestsPerSecond = rate == 0 ? nil : Double(rate)
        if let path = settings.access.tokenFile {
            do { access.tokens = try TokenFile.load(path) } catch {
                throw .accessFile("--token-file", error)
            }
        }
        if let path = settings.access.allowPeers {
            do { access.peers = try PeerFile.load(path) } catch {
                throw .accessFile("--allow-peers", error)
            }
        }
        return access
    }

    private static func spool(_ settings: Settings) throws(StartFailure) -> Spool? {
        guard let spool = settings.spool else { return nil }
        do { return try Spool(directory: spool.directory, limit: spool.limit) } catch {
            throw .spool(error, directory: spool.directory)
        }
    }

    static func server(
        _ settings: Settings, httpConnections: Int, log: Logger
    ) -> HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.host = settings.http.address.host
        configuration.port = settings.http.address.port
        configuration.maximumConnections = httpConnections
        configuration.maximumConnectionsPerAddress = settings.http.connectionsPerAddress
        configuration.idleTimeoutSeconds = Int(settings.http.idleTimeout.roundedUp)
        configuration.headerTimeoutSeconds = Int(settings.http.headerTimeout.roundedUp)
        configuration.tls = tls(settings)
        configuration.errorResponse = Gateway.errorResponse
        configuration.log = { log.debug("libmicrohttpd", metadata: ["message": "\($0)"]) }
        configuration.warn = { log.warning("\($0)") }
        return configuration
    }

    static func tls(_ settings: Settings) -> TLSConfiguration? {
        settings.tls.map {
            TLSConfiguration(
                certificateFile: $0.certificate, keyFile: $0.key, clientCAFile: $0.clientCA)
        }
    }

    /// After SIGHUP: what can change while the gateway runs. Files that settings name are read
    /// again here, too, whether or not their names have changed. When one of them is wrong,
    /// nothing changes.
    static func reload(_ settings: Settings, _ running: Running) throws(StartFailure) {
        let access = try access(settings)
        if settings.tls != nil {
            do { try running.server.reloadTLS() } catch { throw .http(error) }
        }
        running.gateway.reload(access)
        running.level.current = settings.logLevel
    }
}

extension Duration {
    /// In whole seconds.
    fileprivate var roundedUp: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
