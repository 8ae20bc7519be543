// What is asked for, and by how many.
extension GatewayMetrics {
    func writeHTTP(_ writer: inout MetricsWriter) {
        writer.family(
            "lrp2p_polls_waiting", .gauge,
            "HTTP requests that wait for data, a connection, a handshake or an acknowledgement.")
        writer.sample("lrp2p_polls_waiting", [], waitingRequests)
        writer.family(
            "lrp2p_polls_waiting_limit", .gauge,
            "The most there may be of them; further ones are answered 429.")
        writer.sample("lrp2p_polls_waiting_limit", [], limits.waitingRequests)
        writer.family(
            "lrp2p_http_requests_total", .counter,
            "HTTP requests answered, by method, route and status code.")
        for (key, count) in http.requests.sorted(by: { $0.key < $1.key }) {
            writer.sample(
                "lrp2p_http_requests_total",
                [("method", key.method), ("route", key.route), ("code", String(key.status))], count)
        }
        writer.family(
            "lrp2p_http_request_duration_seconds", .histogram,
            "Time spent on HTTP requests, without the time they waited, by route.")
        for (route, histogram) in http.durations.sorted(by: { $0.key < $1.key }) {
            writer.histogram(
                "lrp2p_http_request_duration_seconds", [("route", route)], histogram)
        }
        writeServer(&writer)
        writer.family("lrp2p_build_info", .info, "Always 1; the version is in the label.")
        writer.sample("lrp2p_build_info", [("version", GatewayVersion.current)], 1)
    }

    private func writeServer(_ writer: inout MetricsWriter) {
        guard let server else { return }
        writer.family(
            "lrp2p_http_connections", .gauge, "Connections of HTTP clients that are open.")
        writer.sample("lrp2p_http_connections", [], server.connections)
        writer.family(
            "lrp2p_http_connections_limit", .gauge,
            "The most there may be of them; further ones have to wait.")
        writer.sample("lrp2p_http_connections_limit", [], server.maximumConnections)
        guard let expiry = server.certificateExpiry else { return }
        writer.family(
            "lrp2p_tls_certificate_expiry_timestamp_seconds", .gauge,
            "When the certificate of the HTTP server expires, in seconds since 1970.")
        writer.sample("lrp2p_tls_certificate_expiry_timestamp_seconds", [], expiry)
    }
}
