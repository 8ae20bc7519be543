import HTTPServer
import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

@Suite struct AcceptResourceTests {
    private func connect(_ here: TestNode, to there: TestNode) async throws {
        let response = await here.post("/v1/connections", #"{"address":"\#(there.address)"}"#)
        try #require(response.status == .created)
    }

    @Test func answersWhenOneArrives() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        async let waiting = there.get("/v1/accept?wait=60s")
        try await eventually { await there.metric("lrp2p_polls_waiting") == 1 }
        try await connect(here, to: there)
        let response = await waiting
        #expect(response.status == .ok)
        let document = try response.object()
        #expect(document["peer"] as? String == here.peer)
        #expect(document["next_after"] as? String == response.headers[.nextAfter])
        #expect(await there.metric("lrp2p_polls_waiting") == 0)
    }

    @Test func followsWithoutConsuming() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let start = try #require(await there.get("/v1/accept").headers[.nextAfter])
        for _ in 0..<3 { try await connect(here, to: there) }
        try await eventually { await there.metric(#"lrp2p_connections{state="open"}"#) == 3 }
        var seen: [[String]] = []
        for _ in 0..<2 {
            var ids: [String] = []
            var after = start
            while true {
                let response = await there.get("/v1/accept?after=\(after)")
                after = try #require(response.headers[.nextAfter])
                guard response.status == .ok else { break }
                ids.append(try #require(try response.object()["id"] as? String))
            }
            seen.append(ids)
        }
        #expect(seen[0].count == 3)
        #expect(seen[0] == seen[1])
    }

    @Test func handsOutEachOnce() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        for _ in 0..<2 { try await connect(here, to: there) }
        // HEAD looks, and takes nothing.
        for _ in 0..<3 { _ = await there.request(.head, "/v1/accept") }
        var ids: Set<String> = []
        for _ in 0..<2 {
            let response = await there.get("/v1/accept?wait=60s")
            ids.insert(try #require(try response.object()["id"] as? String))
        }
        #expect(ids.count == 2)
        #expect(await there.get("/v1/accept").status == .noContent)
        #expect(await there.get("/v1/accept?wait=10ms").status == .noContent)
    }

    @Test func handsOutThoseOfOnePeer() async throws {
        let (first, second, there) = (try TestNode(), try TestNode(), try TestNode())
        try await connect(first, to: there)
        async let waiting = there.get("/v1/accept?wait=60s&peer=\(second.peer)")
        try await eventually { await there.metric("lrp2p_polls_waiting") == 1 }
        try await connect(second, to: there)
        #expect(try await waiting.object()["peer"] as? String == second.peer)
        // The one that came before is still to be had, by who wants any.
        #expect(await there.get("/v1/accept?peer=\(second.peer)").status == .noContent)
        let other = await there.get("/v1/accept?wait=60s")
        #expect(try other.object()["peer"] as? String == first.peer)
        #expect(await there.get("/v1/accept?peer=me").code == "invalid_parameter")
    }

    @Test func givesTheNameAskedFor() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let start = try #require(await there.get("/v1/accept").headers[.nextAfter])
        try await connect(here, to: there)
        // A look takes nothing, and names nothing.
        _ = await there.request(.head, "/v1/accept?name=radio")
        let followed = await there.get("/v1/accept?after=\(start)&name=radio")
        #expect(followed.code == "invalid_parameter")
        let response = await there.get("/v1/accept?wait=60s&name=radio")
        #expect(try response.object()["name"] as? String == "radio")
        let id = try #require(try response.object()["id"] as? String)
        let page = try await there.get("/v1/connections?name=radio").object()
        let found = try #require(page["connections"] as? [[String: Any]])
        #expect(found.map { $0["id"] as? String } == [id])
        for name in ["", String(repeating: "x", count: 65), "a\u{7}b"] {
            #expect(await there.get("/v1/accept?name=\(name)").code == "invalid_parameter")
        }
    }

    @Test func eachWaiterGetsItsOwn() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let response = await there.get("/v1/accept?wait=60s")
                    return try #require(try response.object()["id"] as? String)
                }
            }
            for _ in 0..<8 { try await connect(here, to: there) }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 8)
    }

    @Test func refusesForeignAndForgottenCursors() async throws {
        var limits = GatewayLimits()
        limits.maximumRememberedArrivals = 1
        let (here, there) = (try TestNode(), try TestNode(limits: limits))
        let start = try #require(await there.get("/v1/accept").headers[.nextAfter])
        let expired = await there.get("/v1/accept?after=00000000-0")
        #expect(expired.status == .gone)
        #expect(expired.code == "cursor_expired")
        for _ in 0..<2 { try await connect(here, to: there) }
        try await eventually { await there.metric(#"lrp2p_connections{state="open"}"#) == 2 }
        let trimmed = await there.get("/v1/accept?after=\(start)")
        #expect(trimmed.status == .gone)
        #expect(trimmed.code == "offset_trimmed")
        let earliest = try #require(try trimmed.object()["earliest"] as? String)
        #expect(await there.get("/v1/accept?after=\(earliest)").status == .ok)
    }

    @Test func waitersAreLimited() async throws {
        var limits = GatewayLimits()
        limits.maximumWaiters = 2
        let node = try TestNode(limits: limits)
        try await withThrowingTaskGroup(of: ServerResponse.self) { group in
            for _ in 0..<2 { group.addTask { await node.get("/v1/accept?wait=60s") } }
            try await eventually { await node.metric("lrp2p_polls_waiting") == 2 }
            let response = await node.get("/v1/accept?wait=60s")
            #expect(response.status == .tooManyRequests)
            #expect(response.code == "too_many_waiters")
            #expect(response.headers[.retryAfter] != nil)
            // One that does not wait is served all the same.
            #expect(await node.get("/v1/accept").status == .noContent)
            node.gateway.beginShutdown()
            group.cancelAll()
            for try await answer in group { #expect(answer.code == "shutting_down") }
        }
        #expect(await node.metric("lrp2p_polls_waiting") == 0)
    }

    @Test func aClientThatLeavesEndsItsWait() async throws {
        let node = try TestNode()
        let poll = Task { await node.get("/v1/accept?wait=60s") }
        try await eventually { await node.metric("lrp2p_polls_waiting") == 1 }
        poll.cancel()
        #expect(await poll.value.status.code == 499)
        #expect(await node.metric("lrp2p_polls_waiting") == 0)
    }
}
