import Foundation
import TestSupport
import Testing

/// Samples of the Prometheus text format.
struct Metrics {
    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    let text: String
    let samples: [Sample]

    init(_ text: String) throws {
        self.text = text
        samples = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let match = try #require(
                line.wholeMatch(of: /([a-zA-Z0-9_:]+)(?:\{(.*)\})? ([^ ]+)/), "\(line)")
            var labels: [String: String] = [:]
            for pair in (match.2 ?? "").matches(of: /([a-z_]+)="([^"]*)"/) {
                labels[String(pair.1)] = String(pair.2)
            }
            return Sample(
                name: String(match.1), labels: labels,
                value: try #require(Double(match.3), "\(line)"))
        }
    }

    /// The sum of all samples of the name with these labels; nil when there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return found.isEmpty ? nil : found.reduce(0) { $0 + $1.value }
    }
}

extension GatewayProcess {
    func metrics() async throws -> Metrics {
        let answer = try await request("GET", "/metrics")
        #expect(answer.status == 200)
        return try Metrics(answer.text)
    }

    func metric(_ name: String, _ labels: [String: String] = [:]) async throws -> Double {
        try #require(await metrics().value(name, labels), "no metric \(name) \(labels)")
    }

    func waitForMetric(
        _ name: String, _ labels: [String: String] = [:], is value: Double
    ) async throws {
        try await eventually("\(name) \(labels) \(value)") {
            try await metric(name, labels) == value
        }
    }

    /// Waits until this many requests wait.
    func waitForPolls(_ count: Int) async throws {
        try await waitForMetric("lrp2p_polls_waiting", is: Double(count))
    }
}
