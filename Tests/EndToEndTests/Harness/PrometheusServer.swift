import Foundation
import ProcessSupport
import TestSupport
import Testing

/// A running Prometheus, the one of Debian's package, with what its HTTP API tells.
final class PrometheusServer: Sendable {
    /// What is scraped; `name` becomes the label `instance`.
    struct Target {
        let name: String
        let port: UInt16
        var isTLS = false
    }

    struct Sample: Decodable, Sendable {
        let labels: [String: String]
        let value: Double

        private enum Keys: CodingKey { case metric, value }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            labels = try container.decode([String: String].self, forKey: .metric)
            var pair = try container.nestedUnkeyedContainer(forKey: .value)
            _ = try pair.decode(Double.self)
            value = try #require(Double(try pair.decode(String.self)))
        }
    }

    private struct Answer<Value: Decodable>: Decodable {
        let data: Value?
        let error: String?
    }

    private struct Vector: Decodable {
        let result: [Sample]
    }

    private let process: ChildProcess
    private let directory: TemporaryDirectory
    private let base: String

    /// - Parameter ruleFile: rules that it evaluates.
    init(_ targets: [Target], ruleFile: String? = nil) async throws {
        directory = try TemporaryDirectory()
        let jobs = targets.map { target in
            """
              - job_name: \(target.name)
                scheme: \(target.isTLS ? "https" : "http")
                tls_config: { insecure_skip_verify: true }
                static_configs:
                  - targets: ["127.0.0.1:\(target.port)"]
                    labels: { job: lrp2p-gateway, instance: \(target.name) }
            """
        }
        let configuration = """
            global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
            rule_files: [\(ruleFile.map { "\"\($0)\"" } ?? "")]
            scrape_configs:
            \(jobs.joined(separator: "\n"))
            """
        let file = try directory.file(
            "prometheus.yaml", content: Data(configuration.utf8), permissions: 0o600)
        let process = try ChildProcess(
            "prometheus",
            [
                "--config.file=\(file)", "--storage.tsdb.path=\(directory.path("data"))",
                "--web.listen-address=127.0.0.1:0",
            ])
        self.process = process
        var address: Substring?
        // With port 0 only its log tells which one it is.
        try await eventually("Prometheus listens") {
            try #require(process.isRunning, "\(process.errorText)")
            let said = /msg="Listening on" address=([0-9.:]+)/
            address = process.errorText.firstMatch(of: said)?.1
            return address != nil
        }
        base = "http://\(try #require(address))"
        try await eventually("Prometheus is ready") {
            try await Curl.run("\(base)/-/ready").status == 200
        }
    }

    /// An instant query, as of now.
    func query(_ expression: String) async throws -> [Sample] {
        try await get("query", ["query=\(expression)"], as: Vector.self).result
    }

    /// The one value that the expression has; `nil` while it has none.
    func value(_ expression: String) async throws -> Double? {
        let samples = try await query(expression)
        #expect(samples.count <= 1, "\(expression) has \(samples.count) values")
        return samples.first?.value
    }

    func waitFor(_ expression: String, toBe expected: Double) async throws {
        var last: Double?
        do {
            try await eventually {
                last = try await value(expression)
                return last == expected
            }
        } catch {
            Issue.record("\(expression) is \(last as Any), not \(expected)")
            throw error
        }
    }

    /// Asks the HTTP API.
    func get<Value: Decodable>(
        _ path: String, _ parameters: [String] = [], as type: Value.Type
    ) async throws -> Value {
        let encoded = parameters.flatMap { ["--data-urlencode", $0] }
        let answer = try await Curl(["-G", "\(base)/api/v1/\(path)"] + encoded).answer()
        let document = try answer.decode(Answer<Value>.self)
        return try #require(document.data, "\(parameters): \(document.error ?? answer.text)")
    }

    func stop() async throws {
        process.send(signal: SIGTERM)
        #expect(try await process.wait() == .status(0), "\(process.errorText)")
    }
}

extension GatewayProcess {
    func target(_ name: String, isTLS: Bool = false) -> PrometheusServer.Target {
        .init(name: name, port: httpPort, isTLS: isTLS)
    }
}
