import HTTPServer
import HTTPTypes
import LRP2P
import Logging

/// The product: HTTP requests in, answers out, with an LRP2P socket behind.
///
/// Safe to use from any task. `handle` is the handler for an HTTP server; nothing here knows which
/// server that is.
public final class Gateway: Sendable {
    let context: GatewayContext
    private let router: Router
    private let counters = HTTPCounters()
    private let log: Logger
    private let housekeeping: Task<Void, Never>

    /// How often closed connections are looked at whether their time is over.
    private static let housekeepingInterval: Duration = .seconds(10)

    /// - Parameters:
    ///   - configuration: of it only the access can be exchanged later (``reload(_:)``).
    ///   - socket: the gateway takes its inbound connections; nobody else may `accept`.
    public init(configuration: GatewayConfiguration, socket: PeerSocket) {
        let context = GatewayContext(configuration: configuration, socket: socket)
        self.context = context
        log = configuration.logger
        router = Self.router(context, metrics: MetricsResource(gateway: context, http: counters))
        housekeeping = Task { [registry = context.registry] in
            while !Task.isCancelled {
                registry.removeExpired()
                registry.expireReaders()
                try? await Task.sleep(for: Self.housekeepingInterval)
            }
        }
        socket.admission.allowed = configuration.access.peers
        // Not the context, which owns the socket: the socket keeps what it is given here.
        let registry = context.registry, admission = socket.admission, audit = context.audit
        admission.onRefusal { audit.peerRefused($0, at: $1) }
        socket.onInbound { transport in
            registry.admit(transport)
            // The list may have changed since the handshake.
            if !admission.allows(transport.remotePeerID) { transport.close(code: .notAllowed) }
        }
    }

    deinit {
        housekeeping.cancel()
    }

    /// What is served, each with its method and the pattern of its path. HEAD is answered wherever
    /// GET is.
    public var routes: [(method: HTTPRequest.Method, pattern: String)] { router.routes }

    /// Answers one request. Never fails: what goes wrong becomes the answer.
    public func handle(_ request: ServerRequest) async -> ServerResponse {
        let context = RequestContext(request)
        return await RequestContext.$current.withValue(context) {
            var response = await answer(request, context)
            response.headers[.requestID] = context.id
            return response
        }
    }

    private func answer(
        _ request: ServerRequest, _ context: RequestContext
    ) async -> ServerResponse {
        let start = ContinuousClock.now
        let meter = WaitMeter()
        let (route, response) = await WaitMeter.$current.withValue(meter) {
            await dispatch(request)
        }
        let elapsed = ContinuousClock.now - start
        counters.count(
            method: request.method, route: route, status: response.status.code,
            duration: elapsed - meter.total)
        self.context.audit.record(
            method: request.method, route: route, status: response.status.code, context)
        log.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(route)",
                "status": "\(response.status.code)", "client": "\(request.remoteAddress)",
                "seconds": "\(elapsed.inSeconds)", "request_id": "\(context.id)",
            ])
        return response
    }

    /// Exchanges who may use the gateway, at once and as a whole. Requests under way go on; a body
    /// that is streamed ends if its request would not be let through any more.
    /// Connections to peers that are not on the list any more are closed, and their peers told
    /// (`ResetCode.notAllowed`).
    public func reload(_ access: AccessConfiguration) {
        context.access.replace(access)
        // Before the connections are looked at: none can come that is not seen here or there.
        context.socket.admission.allowed = access.peers
        for connection in context.registry.all where !connection.isClosed {
            guard let transport = connection.transport,
                !context.socket.admission.allows(transport.remotePeerID)
            else { continue }
            transport.close(code: .notAllowed)
            context.audit.peerClosed(connection)
        }
    }

    /// Tells of the HTTP server in front, once it has started.
    ///
    /// - Parameters:
    ///   - port: that is not to be dialled (``DialPolicy``).
    ///   - figures: for the metrics, whenever they are asked for.
    public func serverStarted(
        port: UInt16, figures: @escaping @Sendable () -> HTTPServerFigures? = { nil }
    ) {
        context.access.setHTTPPort(port)
        context.serverFigures.withLock { $0 = figures }
    }

    /// The body of an answer the HTTP server gives by itself, in the form of all our errors.
    public static func errorResponse(
        _ status: HTTPResponse.Status, _ detail: String
    ) -> ServerResponse {
        let context = RequestContext(id: RequestID.next(), address: ClientAddress(""))
        return RequestContext.$current.withValue(context) {
            var response = ProblemDetails(server: status, detail).response
            response.headers[.requestID] = context.id
            return response
        }
    }

    private func dispatch(_ request: ServerRequest) async -> (route: String, ServerResponse) {
        let context = self.context
        switch router.match(request) {
        case .found(let handler, let pattern, let parameters):
            var request = request
            request.parameters = parameters
            return (pattern, await handler(request))
        case .methodNotAllowed(let allowed, let pattern):
            let error = MissingError.method(request.method.rawValue, allowed: allowed)
            let answer = await Self.serve(request, pattern, .known, context) {
                _ throws(GatewayError) in throw .missing(error)
            }
            return (pattern, answer)
        case .notFound:
            let route = HTTPCounters.unmatchedRoute
            let answer = await Self.serve(request, route, .known, context) {
                request throws(GatewayError) in throw .missing(.path(request.path))
            }
            return (route, answer)
        }
    }

    /// Asks the resource if the request may.
    private static func serve(
        _ request: ServerRequest, _ pattern: String, _ access: RouteAccess,
        _ gateway: GatewayContext, _ resource: Resource
    ) async -> ServerResponse {
        let context = RequestContext.current ?? RequestContext(request)
        do throws(GatewayError) {
            try gateway.access.admit(request, to: access, context)
        } catch {
            let problem = ProblemDetails(error)
            context.note {
                $0.code = problem.code
                $0.isRefused = problem.status != HTTPResponse.Status.tooManyRequests.code
            }
            return problem.response
        }
        do throws(GatewayError) {
            if gateway.isStopping, !isServedWhileStopping.contains(pattern) {
                throw .shuttingDown
            }
            context.note { $0.hasReachedHandler = access != .known }
            var response = try await resource(request)
            if let stream = response.stream {
                response.stream = gateway.access.guarding(stream, of: request, to: access, context)
            }
            return response
        } catch {
            let problem = ProblemDetails(error)
            context.note { $0.code = problem.code }
            return problem.response
        }
    }

    /// What tells how the shutdown goes.
    private static let isServedWhileStopping = ["/healthz", "/readyz", "/metrics"]
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
        let stream = StreamResource(gateway: context)
        let events = EventsResource(gateway: context)
        let upload = UploadResource(gateway: context)
        let health = HealthResource(gateway: context)
        let dashboard = DashboardResource()
        // The same: `curl -T` says PUT.
        let post: Resource = { request throws(GatewayError) in
            try await context.upload { () async throws(GatewayError) in
                try await upload.post(request)
            }
        }
        let routes: [(HTTPRequest.Method, String, RouteAccess, Resource)] = [
            (.get, "/v1/node", .scope(.read), node.get),
            (.get, "/v1/connections", .scope(.read), connections.list),
            (.post, "/v1/connections", .scope(.write), connect.post),
            (.get, "/v1/accept", .scope(.read), accept.get),
            (.get, "/v1/connections/{id}", .scope(.read), connections.get),
            (.delete, "/v1/connections/{id}", .scope(.write), connections.delete),
            (.get, "/v1/connections/{id}/data", .scope(.read), data.get),
            (.post, "/v1/connections/{id}/data", .scope(.write), post),
            (.put, "/v1/connections/{id}/data", .scope(.write), post),
            (.head, "/v1/connections/{id}/data", .scope(.read), upload.head),
            (.post, "/v1/connections/{id}/ack", .scope(.read), data.postAcknowledgement),
            (.delete, "/v1/connections/{id}/readers/{reader}", .scope(.read), data.deleteReader),
            (.get, "/v1/connections/{id}/stream", .scope(.read), stream.get),
            (.get, "/v1/events", .scope(.read), events.get),
            (.get, "/healthz", .open, health.health),
            (.get, "/readyz", .open, health.readiness),
            (.get, "/metrics", .scope(.metrics), metrics.get),
            (.get, "/openapi.yaml", .open, OpenAPIResource().get),
            (.get, "/", .open, dashboard.get),
            (.get, "/dashboard.css", .open, dashboard.get),
            (.get, "/dashboard.js", .open, dashboard.get),
            (.get, "/dashboard/{module}", .open, dashboard.get),
        ]
        var router = Router()
        for (method, pattern, access, resource) in routes {
            router.on(method, pattern) { request in
                await serve(request, pattern, access, context, resource)
            }
        }
        return router
    }
}
