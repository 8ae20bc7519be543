import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct ConnectionsResourceTests {
    @Test func describesBothEnds() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        #expect(ids.here.count == 13 && ids.here.hasPrefix("c"))
        let ours = try await here.document(ids.here)
        #expect(ours["state"] as? String == "open")
        #expect(ours["direction"] as? String == "outbound")
        #expect(ours["peer"] as? String == there.peer)
        #expect((ours["public_key"] as? String)?.count == 64)
        #expect(ours["remote_address"] as? String == there.address)
        #expect(ours["local_address"] as? String == here.address)
        #expect((ours["opened_at"] as? String)?.hasSuffix("Z") == true)
        #expect(ours["closed_at"] == nil && ours["close_reason"] == nil && ours["name"] == nil)
        let rtt = try #require(ours["rtt"] as? [String: Any])
        #expect(try #require(rtt["smoothed_seconds"] as? Double) > 0)
        let transport = try #require(ours["transport"] as? [String: Any])
        #expect(try #require(transport["congestion_window_packets"] as? Int) > 0)
        #expect(transport["limited_by"] as? String == "application")
        let retransmits = try #require(transport["retransmits"] as? [String: Int])
        #expect(Set(retransmits.keys) == Set(RetransmissionCause.allCases.map(\.rawValue)))
        let theirs = try await there.document(ids.there)
        #expect(theirs["direction"] as? String == "inbound")
        #expect(theirs["peer"] as? String == here.peer)
    }

    @Test func listsInPagesAndFilters() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        var ids: [String] = []
        for _ in 0..<5 { ids.append(try await here.connect(to: there).here) }
        _ = try await there.connect(to: here)
        #expect(await here.request(.delete, "/v1/connections/\(ids[1])").status == .noContent)

        func list(_ query: String) async throws -> (ids: [String], next: String?) {
            let page = try await here.get("/v1/connections" + query).object()
            let connections = try #require(page["connections"] as? [[String: Any]])
            return (connections.compactMap { $0["id"] as? String }, page["next_after"] as? String)
        }
        let first = try await list("?limit=2&direction=outbound")
        #expect(first.ids == [ids[0], ids[1]])
        let second = try await list("?limit=2&direction=outbound&after=\(try #require(first.next))")
        #expect(second.ids == [ids[2], ids[3]])
        let third = try await list("?limit=2&direction=outbound&after=\(try #require(second.next))")
        #expect(third.ids == [ids[4]])
        #expect(third.next == nil)
        #expect(try await list("?state=closed").ids == [ids[1]])
        #expect(try await list("?state=open").ids.count == 5)
        #expect(try await list("?direction=inbound").ids.count == 1)
        #expect(try await list("?peer=\(there.peer)").ids.count == 6)
        #expect(try await list("?peer=\(here.peer)").ids.isEmpty)
        #expect(try await list("?name=nobody").ids.isEmpty)
        for query in ["?limit=0", "?limit=1001", "?state=ajar", "?peer=me", "?after=5", "?name="] {
            #expect(await here.get("/v1/connections" + query).code == "invalid_parameter")
        }
        // A cursor of something else is not taken for one of a page.
        let arrival = try #require(await here.get("/v1/accept").headers[.nextAfter])
        #expect(await here.get("/v1/connections?after=\(arrival)").code == "cursor_expired")
    }

    @Test func deleteClosesThenRemoves() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        _ = await there.post("/v1/connections/\(ids.there)/data", "unread")
        try await eventually {
            let receive = try await here.document(ids.here)["receive"] as? [String: Any]
            return receive?["received_offset"] as? Int == 6
        }
        let path = "/v1/connections/\(ids.here)"
        #expect(await here.request(.delete, path).status == .noContent)
        let document = try await here.document(ids.here)
        #expect(document["state"] as? String == "closed")
        #expect(document["close_reason"] as? String == "local")
        #expect(document["closed_at"] as? String != nil)
        // What had arrived can still be read, and then it says that this was all.
        let data = await here.get(path + "/data?auto_ack=true")
        #expect(data.body == [UInt8]("unread".utf8))
        #expect(data.headers[.streamClosed] == "true")
        let end = await here.get(path + "/data?wait=60s")
        #expect(end.status == .noContent)
        #expect(end.headers[.streamClosed] == "true")
        let upload = await here.post(path + "/data", "x")
        #expect(upload.status == .conflict)
        #expect(upload.code == "connection_closed")
        #expect(try upload.object()["close_reason"] as? String == "local")
        #expect(await here.request(.delete, path).status == .noContent)
        #expect(await here.get(path).status == .notFound)
        #expect(await here.request(.delete, path).status == .notFound)
        #expect(await here.metric(#"lrp2p_connections_closed_total{reason="local"}"#) == 1)
        #expect(await here.metric(#"lrp2p_connections{state="closed"}"#) == 0)
    }

    @Test func deleteDrainsFirst() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        let bytes = [UInt8](repeating: 7, count: 60_000)
        let path = "/v1/connections/\(ids.here)"
        #expect(await here.request(.post, path + "/data", body: bytes).status == .ok)
        #expect(await here.request(.delete, path + "?drain=30s").status == .noContent)
        let send = try #require(try await here.document(ids.here)["send"] as? [String: Any])
        #expect(send["acknowledged_offset"] as? Int == bytes.count)
        #expect(try await there.read(bytes.count, from: ids.there) == bytes)
    }

    @Test func drainingOutlivesItsClient() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.receiveBufferBytes = 64 << 10
        let (here, there) = (try TestNode(), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        // More than the peer buffers, less than that and what is buffered here.
        let bytes = [UInt8](repeating: 7, count: 100_000)
        let path = "/v1/connections/\(ids.here)"
        #expect(await here.request(.post, path + "/data", body: bytes).status == .ok)
        let delete = Task { await here.request(.delete, path + "?drain=30s") }
        try await eventually { await here.metric("lrp2p_polls_waiting") == 1 }
        // Nothing may be added any more.
        #expect(await here.post(path + "/data", "x").code == "connection_closed")
        delete.cancel()
        #expect(await delete.value.status.code == 499)
        #expect(try await here.document(ids.here)["state"] as? String == "open")
        #expect(try await there.read(bytes.count, from: ids.there) == bytes)
        try await eventually {
            try await here.document(ids.here)["state"] as? String == "closed"
        }
    }

    @Test func deleteTakesItsParametersSeriously() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let path = "/v1/connections/" + (try await here.connect(to: there).here)
        for query in ["?drain=5", "?abort=yes", "?abort=true&drain=1s", "?now"] {
            let response = await here.request(.delete, path + query)
            #expect(response.code == "invalid_parameter")
        }
        #expect(await here.request(.delete, path + "?abort=true").status == .noContent)
        #expect(try await here.get(path).object()["state"] as? String == "closed")
    }

    @Test func closedOnesAreForgottenBeyondTheLimit() async throws {
        var limits = GatewayLimits()
        limits.maximumClosedConnections = 2
        let (here, there) = (try TestNode(limits: limits), try TestNode())
        var ids: [String] = []
        for _ in 0..<3 {
            let id = try await here.connect(to: there).here
            _ = await here.request(.delete, "/v1/connections/\(id)?abort=true")
            ids.append(id)
        }
        #expect(await here.get("/v1/connections/\(ids[0])").status == .notFound)
        #expect(await here.get("/v1/connections/\(ids[1])").status == .ok)
        #expect(await here.get("/v1/connections/\(ids[2])").status == .ok)
    }

    /// The base protocol has no word for an end: silence is all a peer hears.
    @Test func silenceCloses() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.idleTimeout = .milliseconds(200)
        endpoint.isExtended = false
        let (here, there) = (try TestNode(), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        #expect(try await here.document(ids.here)["protocol"] as? String == "base")
        _ = await here.request(.delete, "/v1/connections/\(ids.here)")
        let end = await there.get("/v1/connections/\(ids.there)/data?wait=60s")
        #expect(end.status == .noContent)
        #expect(end.headers[.streamClosed] == "true")
        #expect(try await there.document(ids.there)["close_reason"] as? String == "idle_timeout")
        try await eventually {
            await there.metric(#"lrp2p_connections_closed_total{reason="idle_timeout"}"#) == 1
        }
    }

    @Test func deleteEndsTheStreamAndTellsThePeer() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.there)/data"
        #expect(await here.post("/v1/connections/\(ids.here)/data", "bye").status == .ok)
        #expect(
            await here.request(.delete, "/v1/connections/\(ids.here)?drain=30s").status
                == .noContent)
        // The network thread may send a batch's acknowledgements before it has told of all that the
        // batch brought: the end comes with the last bytes, or with an answer that does not wait.
        var data = await there.get(path + "?wait=60s")
        #expect(data.body == [UInt8]("bye".utf8))
        if data.headers[.streamClosed] == nil {
            let next = try #require(data.headers[.nextOffset])
            data = await there.get(path + "?wait=60s&offset=\(next)")
            #expect(data.status == .noContent)
        }
        #expect(data.headers[.streamClosed] == "true")
        #expect(data.headers[.streamFinished] == "true")
        try await eventually {
            try await there.document(ids.there)["close_reason"] as? String == "reset"
        }
        let document = try await there.document(ids.there)
        #expect(document["reset_code"] as? Int == 0)
        #expect((document["receive"] as? [String: Any])?["finished"] as? Bool == true)
        // Counted by whoever watches the connection, a moment later.
        try await eventually {
            await there.metric(#"lrp2p_connections_closed_total{reason="reset"}"#) == 1
        }
    }

    @Test func tellsWhatTheHandshakeHasSettled() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.applicationProtocols = ["files/2"]
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode(endpoint: endpoint))
        let response = await here.post(
            "/v1/connections", #"{"address":"\#(there.address)","congestion_control":"bbr"}"#)
        let ours = try response.object()
        #expect(ours["protocol"] as? String == "extended")
        #expect(ours["application_protocol"] as? String == "files/2")
        let transport = try #require(ours["transport"] as? [String: Any])
        #expect(transport["congestion_control"] as? String == "bbr")
        #expect(transport["key_phase"] as? Int == 0)
        #expect(try #require(transport["datagram_bytes"] as? Int) >= 1200)
        let theirs = try await there.get("/v1/accept?wait=60s").object()
        let other = try #require(theirs["transport"] as? [String: Any])
        #expect(other["congestion_control"] as? String == "cubic")
    }
}
