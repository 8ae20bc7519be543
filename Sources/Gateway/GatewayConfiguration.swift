import LRP2P
import Logging
import Spool

/// What a gateway has to be told.
public struct GatewayConfiguration: Sendable {
    /// The host the HTTP server is bound to; decides which `Host` header fields are served.
    public var httpHost: String
    /// What clients may take and how long they may wait.
    public var limits = GatewayLimits()
    /// Who may use it; can be exchanged later (``Gateway/Gateway/reload(_:)``).
    public var access = AccessConfiguration()
    /// Keeps what arrives until it is acknowledged; `nil` for memory only. The endpoint has to be
    /// configured to confirm deliveries then (`EndpointConfiguration.confirmsDelivery`).
    public var spool: Spool?
    /// For everything but the record of changes.
    public var logger: Logger
    /// For the record of who changed what: one line at the level notice for each change. At first
    /// it is ``logger`` under the label `lrp2p-gateway.audit`; a log handler that shows labels has
    /// to be made with this one.
    public var auditLogger: Logger

    public init(httpHost: String, logger: Logger) {
        self.httpHost = httpHost
        self.logger = logger
        auditLogger = Logger(label: "lrp2p-gateway.audit") { _ in logger.handler }
        auditLogger.logLevel = logger.logLevel
    }
}
