import HTTPServer
import HTTPTypes

/// `/healthz` and `/readyz`: for whoever decides whether to restart this process, or to use it.
struct HealthResource: Sendable {
    let gateway: GatewayContext

    private struct Document: Encodable {
        let status: String
    }

    /// Alive, whatever else.
    func health(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        .json(Document(status: "ok"))
    }

    /// Ready to serve; not any more from the beginning of a drain on.
    func readiness(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        if gateway.isDraining { throw .shuttingDown }
        // Nothing that arrives can be told to have arrived.
        if let failure = gateway.spool?.failure { throw .spoolFailing(failure) }
        return .json(Document(status: "ready"))
    }
}
