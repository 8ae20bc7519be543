import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    @Suite struct MetricsTests {
        @Test("promtool finds nothing to say, and the values are true")
        func metrics() async throws {
            let pair = try await Pair(["--http-connections", "100"])
            // Less than a receive buffer has from the start, so that all is acknowledged unread.
            let bytes = 60_000
            let answer = try await pair.a.request(
                "POST", "\(pair.dataA)?until=acknowledged",
                body: [UInt8](repeating: 7, count: bytes))
            #expect(answer.status == 200)
            _ = try await pair.a.request("GET", "/v1/nothing")

            let check = try ChildProcess(
                "sh", ["-c", "curl -sS '\(pair.a.base)/metrics' | promtool check metrics"])
            let exit = try await check.wait()
            #expect(exit == .status(0), "\(check.errorText)")
            #expect(check.outputText + check.errorText == "")

            // The transport's figures are some 100 ms old at times.
            try await pair.a.waitForMetric("lrp2p_sent_bytes_total", is: Double(bytes))
            try await pair.b.waitForMetric("lrp2p_received_bytes_total", is: Double(bytes))
            let a = try await pair.a.metrics(), b = try await pair.b.metrics()
            #expect(a.value("lrp2p_sent_bytes_total") == Double(bytes))
            #expect(b.value("lrp2p_received_bytes_total") == Double(bytes))
            #expect(b.value("lrp2p_receive_unacknowledged_bytes") == Double(bytes))
            #expect(a.value("lrp2p_send_queue_bytes") == 0)
            // This one asks.
            #expect(try #require(a.value("lrp2p_http_connections")) >= 1)
            #expect(a.value("lrp2p_http_connections_limit") == 100)
            // One eighth is never for those that wait.
            #expect(a.value("lrp2p_polls_waiting") == 0)
            #expect(a.value("lrp2p_polls_waiting_limit") == 88)
            #expect(a.value("lrp2p_connections_limit", ["state": "open"]) == 16_384)
            #expect(a.value("lrp2p_handshakes_failed_total") == 0)
            #expect(a.value("lrp2p_connections", ["state": "open"]) == 1)
            #expect(
                a.value("lrp2p_connections_opened_total", ["direction": "outbound"]) == 1)
            #expect(
                b.value("lrp2p_connections_opened_total", ["direction": "inbound"]) == 1)
            #expect(a.value("lrp2p_handshake_duration_seconds_count") == 1)
            let requests = ["method": "POST", "route": "/v1/connections/{id}/data", "code": "200"]
            #expect(a.value("lrp2p_http_requests_total", requests) == 1)
            #expect(a.value("lrp2p_http_requests_total", ["code": "404"]) == 1)
            let here = ["connection": pair.idA, "peer": pair.b.peerID, "direction": "outbound"]
            #expect(a.value("lrp2p_connection_sent_bytes_total", here) == Double(bytes))
            #expect(try #require(a.value("lrp2p_connection_rtt_seconds", here)) > 0)
            #expect(try #require(a.value("lrp2p_connection_rtt_min_seconds", here)) > 0)
            #expect(
                try #require(a.value("lrp2p_connection_congestion_window_packets", here)) >= 2)
            #expect(try #require(a.value("lrp2p_connection_peer_window_packets", here)) > 0)
            #expect(try #require(a.value("process_resident_memory_bytes")) > 1_000_000)
            #expect(!a.text.contains("127.0.0.1"))

            // The series go with the connection; the totals stay.
            let gone = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)")
            #expect(gone.status == 204)
            let after = try await pair.a.metrics()
            #expect(after.value("lrp2p_connection_sent_bytes_total", here) == nil)
            #expect(after.value("lrp2p_sent_bytes_total") == Double(bytes))
            #expect(after.value("lrp2p_connections_closed_total", ["reason": "local"]) == 1)
            try await pair.stop()
        }
    }
}
