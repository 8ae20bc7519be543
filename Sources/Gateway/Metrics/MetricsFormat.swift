import HTTPTypes

/// The texts in which metrics can be asked for.
enum MetricsFormat: CaseIterable {
    /// Prometheus's own, which everything that scrapes can read.
    case prometheus
    /// OpenMetrics 1.0, which Prometheus prefers.
    case openMetrics

    /// The `Content-Type` of what is written.
    var mediaType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// What the client likes best. A version that is not one of ours is none of these.
    static func choose(for headers: HTTPFields) throws(GatewayError) -> MetricsFormat {
        let type = try ContentNegotiation.choose(allCases.map(\.mediaType), for: headers)
        return allCases.first { $0.mediaType == type } ?? .prometheus
    }
}
