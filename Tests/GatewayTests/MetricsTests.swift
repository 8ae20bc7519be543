import Foundation
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct MetricsTests {
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
