import Foundation
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct MetricsTests {
    @Test func writesTheTextFormat() {
        var writer = MetricsWriter(.prometheus)
        writer.family("a_total", .counter, "Back\\slash\nand \"quotes\".")
        writer.sample("a_total", [("x", "Back\\slash\nand \"quotes\"")], UInt64.max)
        writer.sample("b", [], 0.0025)
        writer.sample("b", [], 3.0)
        writer.sample("b", [], Double.infinity)
        #expect(
            writer.text == """
                # HELP a_total Back\\\\slash\\nand "quotes".
                # TYPE a_total counter
                a_total{x="Back\\\\slash\\nand \\"quotes\\""} 18446744073709551615
                b 0.0025
                b 3
                b +Inf

                """)
    }

    @Test func writesOpenMetrics() {
        var writer = MetricsWriter(.openMetrics)
        writer.family("a_bytes_total", .counter, "Back\\slash\nand \"quotes\".")
        writer.sample("a_bytes_total", [("x", "Back\\slash\nand \"quotes\"")], UInt64.max)
        writer.family("b_seconds", .gauge, "B.")
        writer.sample("b_seconds", [], 0.0025)
        writer.sample("b_seconds", [], 3.0)
        writer.sample("b_seconds", [], -Double.infinity)
        writer.family("c_total", .counter, "C.")
        writer.sample("c_total", [], 0)
        writer.family("d_info", .info, "D.")
        writer.sample("d_info", [("version", "1")], 1)
        #expect(
            writer.text == """
                # TYPE a_bytes counter
                # UNIT a_bytes bytes
                # HELP a_bytes Back\\\\slash\\nand \\"quotes\\".
                a_bytes_total{x="Back\\\\slash\\nand \\"quotes\\""} 18446744073709551615
                # TYPE b_seconds gauge
                # UNIT b_seconds seconds
                # HELP b_seconds B.
                b_seconds 0.0025
                b_seconds 3.0
                b_seconds -Inf
                # TYPE c counter
                # HELP c C.
                c_total 0
                # TYPE d info
                # HELP d D.
                d_info{version="1"} 1
                # EOF

                """)
    }

    @Test(arguments: [(MetricsFormat.prometheus, "1", ""), (.openMetrics, "1.0", "# EOF\n")])
    func histogramsAreCumulative(format: MetricsFormat, one: String, end: String) {
        var histogram = Histogram(upperBoundsInSeconds: [0.1, 1])
        for milliseconds in [50, 100, 500, 2000] as [Int64] {
            histogram.observe(.milliseconds(milliseconds))
        }
        var writer = MetricsWriter(format)
        writer.histogram("h_seconds", [("r", "x")], histogram)
        #expect(
            writer.text == """
                h_seconds_bucket{r="x",le="0.1"} 2
                h_seconds_bucket{r="x",le="\(one)"} 3
                h_seconds_bucket{r="x",le="+Inf"} 4
                h_seconds_sum{r="x"} 2.65
                h_seconds_count{r="x"} 4

                """ + end)
    }

    @Test(arguments: [
        (nil, MetricsFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
        ("application/openmetrics-text", .openMetrics),
        (Self.prometheus242, .openMetrics), (Self.prometheus3, .openMetrics),
        // One that has only what we have not, but for the last resort.
        ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", .prometheus),
    ] as [(String?, MetricsFormat)])
    func theClientChoosesTheFormat(accept: String?, format: MetricsFormat) async throws {
        let node = try TestNode()
        let answer = await node.request(.get, "/metrics", headers: accept.map { [.accept: $0] } ?? [:])
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == format.mediaType)
        #expect(answer.headers[.vary] == "Accept")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.hasSuffix("\n# EOF\n") == (format == .openMetrics))
        #expect(text.contains("# TYPE lrp2p_sent_bytes counter\n") == (format == .openMetrics))
    }

    @Test func aVersionWeDoNotHaveIsNotAcceptable() async throws {
        let node = try TestNode()
        for type in ["application/openmetrics-text;version=0.0.1", "text/plain;version=1.0.0"] {
            let answer = await node.request(.get, "/metrics", headers: [.accept: type])
            #expect(answer.status == .notAcceptable && answer.code == "not_acceptable")
        }
    }

    /// As Prometheus sends them, of these versions.
    static let prometheus242 =
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
        + "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    static let prometheus3 =
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        + "application/openmetrics-text;version=0.0.1;q=0.4,"
        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
        + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"

    @Test func labelsComeFromOurLists() {
        let counters = HTTPCounters()
        for method in ["GET", "BREW", "WHEN"] {
            counters.count(
                method: .init(method) ?? .get, route: HTTPCounters.unmatchedRoute, status: 404,
                duration: .zero)
        }
        let keys = counters.snapshot.requests
        #expect(keys.count == 2)
        #expect(keys[.init(method: "other", route: "unmatched", status: 404)] == 2)
    }

    @Test func readsTheProcess() throws {
        let process = try #require(ProcessStatistics.read())
        #expect(process.residentMemoryBytes > 1 << 20)
        #expect(process.virtualMemoryBytes > process.residentMemoryBytes)
        #expect(process.openFileDescriptors > 2)
        let age = Date().timeIntervalSince1970 - process.startTimeSeconds
        #expect(age > -5 && age < 86_400)
        let odd = ProcessStatistics(
            stat: "1 (a) b) c) S 2 3 4 5 6 7 8 9 10 11 100 50 14 15 16 17 18 19 300 4096 2",
            bootTimeSeconds: 1000, ticksPerSecond: 100, pageBytes: 4096, openFileDescriptors: 3,
            maximumFileDescriptors: nil)
        #expect(odd?.cpuSeconds == 1.5)
        #expect(odd?.startTimeSeconds == 1003)
        #expect(odd?.virtualMemoryBytes == 4096)
        #expect(odd?.residentMemoryBytes == 8192)
    }

    @Test func everySeriesExistsFromTheStart() async throws {
        let node = try TestNode()
        for direction in ConnectionDirection.allCases {
            let name = "lrp2p_connections_opened_total{direction=\"\(direction.rawValue)\"}"
            #expect(await node.metric(name) == 0)
        }
        for reason in CloseReason.allCases {
            let name = "lrp2p_connections_closed_total{reason=\"\(reason.rawValue)\"}"
            #expect(await node.metric(name) == 0)
        }
        for cause in RetransmissionCause.allCases {
            let name = "lrp2p_packets_retransmitted_total{cause=\"\(cause.rawValue)\"}"
            #expect(await node.metric(name) == 0)
        }
        for reason in InboundHandshakeFailure.allCases {
            let labels = "{direction=\"inbound\",reason=\"\(reason.rawValue)\"}"
            #expect(await node.metric("lrp2p_handshakes_failed_total" + labels) == 0)
        }
        for reason in OutboundHandshakeFailure.allCases {
            let labels = "{direction=\"outbound\",reason=\"\(reason.rawValue)\"}"
            #expect(await node.metric("lrp2p_handshakes_failed_total" + labels) == 0)
        }
        for reason in DropReason.allCases {
            let name = "lrp2p_datagrams_dropped_total{reason=\"\(reason.rawValue)\"}"
            #expect(await node.metric(name) == 0)
        }
    }

    @Test func tellsTheTruth() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        _ = await here.post("/v1/connections/\(ids.here)/data?until=acknowledged", "hello")
        let labels =
            "{connection=\"\(ids.here)\",peer=\"\(there.peer)\",direction=\"outbound\"}"
        try await eventually { await here.metric("lrp2p_sent_bytes_total") == 5 }
        try await eventually {
            await here.metric("lrp2p_connection_sent_bytes_total" + labels) == 5
        }
        try await eventually { await there.metric("lrp2p_received_bytes_total") == 5 }
        #expect(await here.metric("lrp2p_send_queue_bytes") == 0)
        #expect(await there.metric("lrp2p_receive_unacknowledged_bytes") == 5)
        let inbound =
            "{connection=\"\(ids.there)\",peer=\"\(here.peer)\",direction=\"inbound\"}"
        let acknowledged = "lrp2p_connection_acknowledged_bytes_total" + inbound
        #expect(await there.metric(acknowledged) == 0)
        let cursor = try #require(
            await there.get("/v1/connections/\(ids.there)/data").headers[.nextOffset])
        _ = await there.post("/v1/connections/\(ids.there)/ack", "{\"offset\":\"\(cursor)\"}")
        #expect(await there.metric(acknowledged) == 5)
        #expect(await there.metric("lrp2p_receive_unacknowledged_bytes") == 0)
        #expect(try #require(await here.metric("lrp2p_connection_rtt_seconds" + labels)) > 0)
        #expect(try #require(await here.metric("lrp2p_connection_datagram_bytes" + labels)) >= 1200)
        #expect(await here.metric("lrp2p_memory_budget_bytes") == Double(256 << 20))
        #expect(try #require(await here.metric("lrp2p_memory_reserved_bytes")) >= 0)
        #expect(try #require(await here.metric("lrp2p_buffer_chunk_bytes")) > 0)
        #expect(await here.metric("lrp2p_handshake_duration_seconds_count") == 1)
        #expect(
            await here.metric(
                "lrp2p_http_requests_total{method=\"POST\",route=\"/v1/connections\",code=\"201\"}")
                == 1)
        _ = await here.request(.delete, "/v1/connections/\(ids.here)")
        #expect(await here.metric("lrp2p_connection_sent_bytes_total" + labels) == nil)
        #expect(await here.metric("lrp2p_sent_bytes_total") == 5)
    }

    @Test func whatHasALimitTellsIt() async throws {
        var limits = GatewayLimits(maximumHTTPConnections: 16)
        limits.maximumClosedConnections = 3
        var endpoint = EndpointConfiguration()
        endpoint.maximumHandshakes = 7
        let node = try TestNode(limits: limits, endpoint: endpoint)
        #expect(await node.metric("lrp2p_polls_waiting_limit") == 14)
        let connections = ["open": 16_384, "closed": 3, "handshaking": 7] as [String: Double]
        for (state, limit) in connections {
            #expect(await node.metric("lrp2p_connections_limit{state=\"\(state)\"}") == limit)
        }
        // Nobody has said what server is in front.
        #expect(await node.metric("lrp2p_http_connections") == nil)
        node.gateway.serverStarted(port: 1) {
            HTTPServerFigures(connections: 2, maximumConnections: 16, certificateExpiry: 1 << 40)
        }
        #expect(await node.metric("lrp2p_http_connections") == 2)
        #expect(await node.metric("lrp2p_http_connections_limit") == 16)
        #expect(
            await node.metric("lrp2p_tls_certificate_expiry_timestamp_seconds")
                == Double(1 << 40))
    }

    @Test func handshakesThatFailAreCounted() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let body = #"{"address":"\#(there.address)","peer":"\#(here.peer)"}"#
        #expect(await here.post("/v1/connections", body).code == "peer_mismatch")
        let name =
            "lrp2p_handshakes_failed_total{direction=\"outbound\",reason=\"peer_mismatch\"}"
        try await eventually { await here.metric(name) == 1 }
    }

    @Test func waitingIsNotCountedAsWork() async throws {
        let node = try TestNode()
        let start = ContinuousClock.now
        #expect(await node.get("/v1/accept?wait=1s").status == .noContent)
        let elapsed = (ContinuousClock.now - start).inSeconds
        let sum = await node.metric(
            "lrp2p_http_request_duration_seconds_sum{route=\"/v1/accept\"}")
        // At least 0.95 s of it was the wait.
        #expect(try #require(sum) < elapsed - 0.9)
    }

    @Test func seriesOfConnectionsAreLimited() async throws {
        var limits = GatewayLimits()
        limits.maximumConnectionSeries = 2
        let (here, there) = (try TestNode(limits: limits), try TestNode())
        for _ in 0..<3 { _ = try await here.connect(to: there) }
        let text = String(decoding: await here.get("/metrics").body, as: UTF8.self)
        let series = text.split(separator: "\n").filter {
            $0.hasPrefix("lrp2p_connection_rtt_seconds{")
        }
        #expect(series.count == 2)
        #expect(await here.metric("lrp2p_connection_series_omitted") == 1)
    }

    @Test func promtoolHasNoComplaint() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        _ = await here.post("/v1/connections/\(ids.here)/data", "hello")
        _ = await here.get("/nothing")
        let text = await here.get("/metrics").body
        let tool = Process()
        tool.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tool.arguments = ["promtool", "check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        tool.standardInput = input
        tool.standardOutput = output
        tool.standardError = output
        try tool.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text))
        try input.fileHandleForWriting.close()
        let complaints = try output.fileHandleForReading.readToEnd() ?? Data()
        tool.waitUntilExit()
        #expect(tool.terminationStatus == 0)
        #expect(String(decoding: complaints, as: UTF8.self) == "")
    }
}
