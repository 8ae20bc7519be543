import HTTPServer
import HTTPTypes
import LRP2P

/// `/metrics`, for Prometheus.
struct MetricsResource: Sendable {
    let gateway: GatewayContext
    let http: HTTPCounters

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        let format = try MetricsFormat.choose(for: request.headers)
        var response = ServerResponse.text(snapshot().text(format), type: format.mediaType)
        response.headers[.vary] = HTTPField.Name.accept.rawName
        return response
    }

    private func snapshot() -> GatewayMetrics {
        let connections = gateway.registry.all
        let counts = gateway.registry.counts
        let open = connections.filter { !$0.isClosed }
        return GatewayMetrics(
            endpoint: gateway.socket.statistics,
            openConnections: counts.open, closedConnections: counts.closed,
            totals: gateway.registry.totals,
            receiveUnacknowledgedBytes: connections.reduce(0) {
                $0 + $1.inbox.range.count
            },
            sendQueueBytes: open.reduce(0) { $0 + ($1.transport?.sendRange.count ?? 0) },
            memory: .init(gateway.socket.endpointConfiguration.memoryBudget),
            spool: gateway.spool.map(GatewayMetrics.Spool.init),
            limits: .init(gateway.limits, gateway.socket.endpointConfiguration),
            server: gateway.serverFigures.withLock { $0 }(),
            waitingRequests: gateway.waiters.waiting, http: http.snapshot, process: .read(),
            connections: open.prefix(gateway.limits.maximumConnectionSeries).compactMap {
                connection in
                connection.transport.map {
                    GatewayMetrics.Connection(
                        id: connection.id, peer: connection.peer,
                        direction: connection.direction, statistics: $0.statistics,
                        unacknowledged: connection.inbox.range)
                }
            },
            omittedConnections: max(0, open.count - gateway.limits.maximumConnectionSeries))
    }
}
