import Foundation
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// What `docker/prometheus` and `docker/grafana` ask for is there.
    @Suite struct PrometheusDashboardTests {
        private struct Rules: Decodable {
            struct Group: Decodable { let rules: [Rule] }
            struct Rule: Decodable {
                let name: String
                let query: String
                let health: String
            }

            let groups: [Group]
        }

        private static let folder = Products.repository.appending(path: "docker/prometheus").path
        private static let alerts = [
            "LRP2PGatewayDown", "LRP2PHandshakeFailures", "LRP2PRetransmitRatio",
            "LRP2PReaderStuck", "LRP2PWaitersNearLimit", "LRP2PSpoolFailing",
            "LRP2PSpoolNearLimit", "LRP2PCertificateExpiresSoon",
        ]

        @Test("promtool accepts the rules, the configuration and the tests of the alerts")
        func promtool() async throws {
            for check in [
                ["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"],
                ["test", "rules", "alerts.test.yaml"],
            ] {
                let file = "\(Self.folder)/\(check[2])"
                let tool = try ChildProcess("promtool", [check[0], check[1], file])
                let exit = try await tool.wait()
                #expect(exit == .status(0), "\(check) \(tool.outputText)\(tool.errorText)")
                #expect(tool.outputText.contains("SUCCESS"))
            }
            let tests = try String(
                contentsOfFile: "\(Self.folder)/alerts.test.yaml", encoding: .utf8)
            for alert in Self.alerts {
                // What follows the name of the alert, up to the end of `{ }`, or into the labels that
                // are expected.
                let cases = tests.split(separator: "alertname: \(alert)").dropFirst()
                let fires = cases.filter { $0.prefix { $0 != "}" }.contains("exp_alerts:") }
                #expect(fires.count > 0 && fires.count < cases.count, "\(alert)")
            }
        }

        @Test("The dashboard is whole: places, titles, units, and the source can be chosen")
        func shape() throws {
            let dashboard = try PrometheusDashboard.load()
            #expect(dashboard.schemaVersion >= 38)
            #expect(dashboard.templating.list.map(\.name) == ["datasource", "instance", "peer"])
            #expect(dashboard.templating.list.first?.type == "datasource")
            let rows = dashboard.panels.filter { $0.type == "row" }
            #expect(rows.map(\.title) == ["Overview", "Peers", "HTTP", "Limits"])
            #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
            #expect(Set(dashboard.panels.map(\.title)).count == dashboard.panels.count)
            for (index, panel) in dashboard.panels.enumerated() {
                #expect(panel.gridPos.x + panel.gridPos.w <= 24, "\(panel.title)")
                for other in dashboard.panels[..<index] {
                    let overlap = panel.gridPos.overlaps(other.gridPos)
                    #expect(!overlap, "\(panel.title), \(other.title)")
                }
            }
            for panel in dashboard.graphs {
                #expect(panel.description?.isEmpty == false, "\(panel.title)")
                #expect(panel.fieldConfig?.defaults.unit.isEmpty == false, "\(panel.title)")
                let targets = try #require(panel.targets, "\(panel.title)")
                #expect(Set(targets.map(\.refId)).count == targets.count && !targets.isEmpty)
                for source in targets.map(\.datasource) + [try #require(panel.datasource)] {
                    #expect(source.type == "prometheus" && source.uid == "${datasource}")
                }
            }
        }

        @Test("Every query of the dashboard and every alert has data while there is traffic")
        func queries() async throws {
            let directory = try TemporaryDirectory()
            let a = try await GatewayProcess(["--data-dir", directory.path("a")])
            let b = try await GatewayProcess(["--data-dir", directory.path("b")])
            let certificate = try await ServerCertificate(days: 30)
            let c = try await GatewayProcess(certificate.options)
            let prometheus = try await PrometheusServer(
                [a.target("a"), b.target("b"), c.target("c", isTLS: true)],
                ruleFile: Self.folder + "/alerts.yaml")
            let relay = try await Relay(
                to: b.udp, ["--loss", "5%", "--duplicate", "5%", "--delay", "5ms"])
            let pair = try await Pair(a, b, address: relay.address)

            let dashboard = try PrometheusDashboard.load()
            var missing = dashboard.targets
            #expect(missing.count > 60)
            do {
                try await eventually("all have data") {
                    try await traffic(pair)
                    missing = try await withoutData(missing, prometheus)
                    return missing.isEmpty
                }
            } catch {
                Issue.record("no data: \(missing.map(\.expr))")
            }
            for variable in dashboard.templating.list {
                guard let definition = variable.definition else { continue }
                let parts = try #require(
                    definition.wholeMatch(of: /label_values\((.+), (.+)\)/), "\(definition)")
                let query = try PrometheusDashboard.filled(
                    String(parts.1), instances: ["a", "b", "c"])
                let samples = try await prometheus.query(query)
                let label = String(parts.2)
                #expect(!samples.isEmpty && samples.allSatisfy { $0.labels[label] != nil })
            }
            try await expectRules(prometheus)
            try await prometheus.stop()
            try await pair.stop()
            try await c.stop()
        }

        /// A little of everything: data through the bad link, a request and a handshake that fail,
        /// a connection that ends.
        private func traffic(_ pair: Pair) async throws {
            let sent = try await pair.a.request(
                "POST", pair.dataA, body: [UInt8](repeating: 7, count: 65_536))
            #expect(sent.status == 200, "\(sent.text)")
            let received = try await pair.b.request("GET", pair.dataB + "?wait=60s&auto_ack=true")
            #expect(received.status == 200, "\(received.text)")
            #expect(try await pair.a.request("GET", "/v1/nothing").status == 404)
            let other = #"{"address":"\#(pair.b.udp)","peer":"\#(pair.a.peerID)"}"#
            let failed = try await pair.a.request(
                "POST", "/v1/connections", headers: ["Content-Type": "application/json"],
                body: Array(other.utf8))
            #expect(failed.status == 502, "\(failed.text)")
            let brief = try await pair.a.connect(to: pair.b.udp)
            let ended = try await pair.a.request("DELETE", "/v1/connections/\(brief.id)?abort=true")
            #expect(ended.status == 204, "\(ended.text)")
        }

        /// Those of the queries that have no data yet, which is more than `NaN`, under each of the
        /// names that their legend shows.
        private func withoutData(
            _ targets: [PrometheusDashboard.Target], _ prometheus: PrometheusServer
        ) async throws -> [PrometheusDashboard.Target] {
            var missing: [PrometheusDashboard.Target] = []
            for target in targets {
                let query = try PrometheusDashboard.filled(
                    target.expr, instances: ["a", "b", "c"])
                let samples = try await prometheus.query(query)
                if !samples.contains(where: { $0.value.isFinite }) { missing.append(target) }
                for label in target.legendFormat.matches(of: /{{([a-z]+)}}/) {
                    #expect(
                        samples.allSatisfy { $0.labels[String(label.1)] != nil }, "\(target.expr)")
                }
            }
            return missing
        }

        /// The rules are those there should be, can be evaluated, and ask for what exists.
        private func expectRules(_ prometheus: PrometheusServer) async throws {
            var rules: [Rules.Rule] = []
            try await eventually("all rules have been evaluated") {
                rules = try await prometheus.get("rules", as: Rules.self).groups.flatMap(\.rules)
                return rules.allSatisfy { $0.health != "unknown" }
            }
            #expect(rules.map(\.name) == Self.alerts)
            #expect(rules.allSatisfy { $0.health == "ok" })
            for rule in rules {
                let names = Set(rule.query.matches(of: /\b(lrp2p_[a-z_]+|up)\b/).map { $0.1 })
                #expect(!names.isEmpty, "\(rule.query)")
                for name in names {
                    #expect(try await prometheus.value("count(\(name))") != nil, "\(name)")
                }
            }
        }
    }
}
