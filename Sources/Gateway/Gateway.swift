import HTTPServer
import HTTPTypes
import LRP2P
import Logging

/// The product: HTTP requests in, answers out, with an LRP2P socket behind.
///
/// Safe to use from any task. `handle` is the handler for an HTTP server; nothing here knows which
/// server that is.
public final class Gateway: Sendable {
    private let context: GatewayContext
    private let access: AccessPolicy
    private let router: Router
    private let counters = HTTPCounters()
    private let log: Logger
    private let housekeeping: Task<Void, Never>

    /// How often closed connections are looked at whether their time is over.
    private static let housekeepingInterval: Duration = .seconds(10)

    /// - Parameter socket: the gateway takes its inbound connections; nobody else may `accept`.
    public init(configuration: GatewayConfiguration, socket: PeerSocket) {
        let context = GatewayContext(configuration: configuration, socket: socket)
        self.context = context
        access = AccessPolicy(host: configuration.httpHost)
        log = configuration.logger
        router = Self.router(context, metrics: MetricsResource(gateway: context, http: counters))
        housekeeping = Task { [registry = context.registry] in
            while !Task.isCancelled {
                registry.removeExpired()
                try? await Task.sleep(for: Self.housekeepingInterval)
            }
        }
        // Not the context, which owns the socket: the socket keeps what it is given here.
        socket.onInbound { [registry = context.registry] in registry.add($0) }
    }

    deinit {
        housekeeping.cancel()
    }

    /// What is served, each with its method and the pattern of its path. HEAD is answered wherever
    /// GET is.
    public var routes: [(method: HTTPRequest.Method, pattern: String)] { router.routes }

    /// Answers one request. Never fails: what goes wrong becomes the answer.
    public func handle(_ request: ServerRequest) async -> ServerResponse {
        let start = ContinuousClock.now
        let meter = WaitMeter()
        let (route, response) = await WaitMeter.$current.withValue(meter) {
            await dispatch(request)
        }
        let elapsed = ContinuousClock.now - start
        counters.count(
            method: request.method, route: route, status: response.status.code,
            duration: elapsed - meter.total)
        log.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(route)",
                "status": "\(response.status.code)", "client": "\(request.remoteAddress)",
                "seconds": "\(elapsed.inSeconds)",
            ])
        return response
    }

    /// Refuses new requests, and tells whoever asks that this process is not ready any more.
    /// Requests that wait are ended by the server, which cancels their tasks.
    public func beginShutdown() {
        context.beginDraining()
    }

    /// Waits until the peers have acknowledged everything that was accepted for them.
    public func flush(deadline: ContinuousClock.Instant) async {
        await withTaskGroup(of: Void.self) { group in
            for connection in context.registry.all where !connection.isClosed {
                let transport = connection.transport
                let end = transport.sendRange.upperBound
                guard transport.sendRange.lowerBound < end else { continue }
                group.addTask {
                    // What is not acknowledged by then is lost, as the caller has decided.
                    try? await transport.waitAcknowledged(upTo: end, deadline: deadline)
                }
            }
        }
    }

    /// The body of an answer the HTTP server gives by itself, in the form of all our errors.
    public static func errorResponse(
        _ status: HTTPResponse.Status, _ detail: String
    ) -> ServerResponse {
        ProblemDetails(server: status, detail).response
    }

    private func dispatch(_ request: ServerRequest) async -> (route: String, ServerResponse) {
        switch router.match(request) {
        case .found(let handler, let pattern, let parameters):
            if let refusal = refusal(of: request, route: pattern) { return (pattern, refusal) }
            var request = request
            request.parameters = parameters
            return (pattern, await handler(request))
        case .methodNotAllowed(let allowed, let pattern):
            let error = MissingError.method(request.method.rawValue, allowed: allowed)
            let answer = refusal(of: request, route: pattern)
                ?? ProblemDetails(.missing(error)).response
            return (pattern, answer)
        case .notFound:
            let answer = refusal(of: request, route: HTTPCounters.unmatchedRoute)
                ?? ProblemDetails(.missing(.path(request.path))).response
            return (HTTPCounters.unmatchedRoute, answer)
        }
    }

    private func refusal(of request: ServerRequest, route: String) -> ServerResponse? {
        do throws(GatewayError) {
            try access.check(request.headers)
            if context.isDraining, !Self.isServedWhileDraining.contains(route) {
                throw .shuttingDown
            }
            return nil
        } catch {
            return ProblemDetails(error).response
        }
    }

    /// What tells how the shutdown goes.
    private static let isServedWhileDraining = ["/healthz", "/readyz", "/metrics"]
}

extension Gateway {
    private typealias Resource =
        @Sendable (ServerRequest) async throws(GatewayError) -> ServerResponse

    private static func router(_ context: GatewayContext, metrics: MetricsResource) -> Router {
        let node = NodeResource(gateway: context)
        let connections = ConnectionsResource(gateway: context)
        let connect = ConnectResource(gateway: context)
        let accept = AcceptResource(gateway: context)
        let data = DataResource(gateway: context)
        let upload = UploadResource(gateway: context)
        let health = HealthResource(gateway: context)
        let routes: [(HTTPRequest.Method, String, Resource)] = [
            (.get, "/v1/node", node.get),
            (.get, "/v1/connections", connections.list),
            (.post, "/v1/connections", connect.post),
            (.get, "/v1/accept", accept.get),
            (.get, "/v1/connections/{id}", connections.get),
            (.delete, "/v1/connections/{id}", connections.delete),
            (.get, "/v1/connections/{id}/data", data.get),
            (.post, "/v1/connections/{id}/data", upload.post),
            // The same: `curl -T` says PUT.
            (.put, "/v1/connections/{id}/data", upload.post),
            (.head, "/v1/connections/{id}/data", upload.head),
            (.post, "/v1/connections/{id}/ack", data.postAcknowledgement),
            (.get, "/healthz", health.health),
            (.get, "/readyz", health.readiness),
            (.get, "/metrics", metrics.get),
            (.get, "/openapi.yaml", OpenAPIResource().get),
        ]
        var router = Router()
        for (method, pattern, resource) in routes {
            router.on(method, pattern) { request in
                do throws(GatewayError) {
                    return try await resource(request)
                } catch {
                    return ProblemDetails(error).response
                }
            }
        }
        return router
    }
}
