import Foundation
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// Debian's Prometheus scrapes real gateways.
    @Suite struct PrometheusTests {
        private struct Document: Decodable {
            struct RoundTripTime: Decodable { let minimumSeconds: Double }
            struct Transport: Decodable { let retransmits: [String: UInt64] }

            let rtt: RoundTripTime
            let transport: Transport
        }

        private struct Metadata: Decodable {
            struct Target: Decodable { let instance: String }

            let target: Target
            let type: String
            let unit: String
        }

        @Test("PromQL tells RTT, windows and retransmits, and its counters are what was sent")
        func traffic() async throws {
            let a = try await GatewayProcess(), b = try await GatewayProcess()
            let relay = try await Relay(to: b.udp, ["--loss", "3%", "--delay", "10ms"])
            let prometheus = try await PrometheusServer([a.target("a"), b.target("b")])
            let pair = try await Pair(a, b, address: relay.address)
            let bytes = Products.badLinkBytes
            let file = try TemporaryDirectory()
            let payload = try file.randomFile("payload", bytes: bytes)
            let upload = try Curl(["-T", payload.path, "\(a.base)\(pair.dataA)?until=acknowledged"])
            let reads = try await read(pair, payload.content)
            #expect(try await upload.answer().status == 200)

            let sent = #"lrp2p_sent_bytes_total{instance="a"}"#
            try await prometheus.waitFor(sent, toBe: Double(bytes))
            try await prometheus.waitFor(
                #"lrp2p_received_bytes_total{instance="b"}"#, toBe: Double(bytes))
            let there = #"{instance="b",connection="\#(pair.idB)",direction="inbound"}"#
            try await prometheus.waitFor(
                "lrp2p_connection_acknowledged_bytes_total" + there, toBe: Double(bytes))
            try await prometheus.waitFor(
                "lrp2p_connection_receive_unacknowledged_bytes" + there, toBe: 0)

            let here = #"{instance="a",connection="\#(pair.idA)",peer="\#(b.peerID)"}"#
            let smoothed = try await prometheus.value("lrp2p_connection_rtt_seconds" + here)
            let rtt = try #require(smoothed)
            // Two ways of at least 10 ms each.
            #expect(rtt >= 0.02 && rtt < 10)
            for window in ["congestion_window", "peer_window"] {
                let packets = try await prometheus.value(
                    "lrp2p_connection_\(window)_packets\(here)")
                #expect(try #require(packets) >= 2, "\(window)")
            }
            // All was acknowledged, so no more is sent again. The RTT can still become smaller.
            var documents = 0
            var document: Document?
            try await eventually("the smallest RTT is the one of the document") {
                documents += 1
                document = try await a.request("GET", "/v1/connections/\(pair.idA)")
                    .decode(Document.self)
                return try await prometheus.value("lrp2p_connection_rtt_min_seconds" + here)
                    == document?.rtt.minimumSeconds
            }
            let again = Double(try #require(document).transport.retransmits.values.reduce(0, +))
            #expect(again > 0)
            try await prometheus.waitFor("lrp2p_connection_retransmits_total" + here, toBe: again)
            try await prometheus.waitFor(
                #"sum(lrp2p_packets_retransmitted_total{instance="a"})"#, toBe: again)

            // One to connect, one to upload, and the documents; one to accept, and the reads.
            let requests = #"sum(lrp2p_http_requests_total{instance="%",route!="/metrics"})"#
            try await prometheus.waitFor(
                requests.replacing("%", with: "a"), toBe: Double(2 + documents))
            try await prometheus.waitFor(
                requests.replacing("%", with: "b"), toBe: Double(1 + reads))
            try await expectOpenMetrics(prometheus)
            try await prometheus.stop()
            try await pair.stop()
        }

        /// Reads all and acknowledges it; returns with how many requests.
        private func read(_ pair: Pair, _ content: Data) async throws -> Int {
            var received = Data(), requests = 0, query = "?wait=60s"
            while received.count < content.count {
                let answer = try await pair.b.request("GET", pair.dataB + query)
                try #require(answer.status == 200, "\(answer.text)")
                requests += 1
                received += answer.body
                query = "?wait=60s&ack=\(try #require(answer["Next-Offset"]))"
            }
            #expect(received == content)
            // Acknowledges the last of it, and does not wait.
            let last = try await pair.b.request(
                "GET", pair.dataB + query.replacing("wait=60s", with: "wait=0s"))
            #expect(last.status == 204)
            return requests + 1
        }

        /// A family without `_total`, and its unit: so it is named in OpenMetrics only.
        private func expectOpenMetrics(_ prometheus: PrometheusServer) async throws {
            let families = try await prometheus.get(
                "targets/metadata", ["metric=lrp2p_sent_bytes"], as: [Metadata].self)
            #expect(Set(families.map(\.target.instance)) == ["a", "b"])
            #expect(families.allSatisfy { $0.type == "counter" && $0.unit == "bytes" })
            let build = try await prometheus.get(
                "targets/metadata", ["metric=lrp2p_build"], as: [Metadata].self)
            #expect(build.map(\.type) == ["info", "info"])
        }

        @Test("The expiry of the certificate is told, also of the next one")
        func certificateExpiry() async throws {
            let certificate = try await ServerCertificate(days: 20)
            let gateway = try await GatewayProcess(certificate.options)
            let name = "lrp2p_tls_certificate_expiry_timestamp_seconds"
            func told() async throws -> Double? {
                let url = "https://127.0.0.1:\(gateway.httpPort)/metrics"
                return try Metrics(try await Curl.run("-k", url).text).value(name)
            }
            let first = try await certificate.expiry()
            #expect(try await told() == first)
            try await certificate.renew(days: 40)
            let second = try await certificate.expiry()
            #expect(second >= first + 20 * 86_400)
            #expect(try await told() == first)
            gateway.process.send(signal: SIGHUP)
            try await eventually("the new certificate is in use") { try await told() == second }
            try await gateway.stop()
        }
    }
}
