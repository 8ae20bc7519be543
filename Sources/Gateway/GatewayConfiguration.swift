import LRP2P
import Logging

/// What a gateway has to be told.
public struct GatewayConfiguration: Sendable {
    /// The host the HTTP server is bound to; decides which `Host` header fields are served.
    public var httpHost: String
    public var limits = GatewayLimits()
    /// Who may use it; can be exchanged later (``Gateway/Gateway/reload(_:)``).
    public var access = AccessConfiguration()
    public var logger: Logger

    public init(httpHost: String, logger: Logger) {
        self.httpHost = httpHost
        self.logger = logger
    }
}
