import Foundation
import HTTPServer
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct EventsResourceTests {
    /// Follows the events of a node by long-polls, from its first one on.
    private struct Follower {
        let node: TestNode
        var after: String

        init(_ node: TestNode) {
            self.node = node
            after = node.gateway.context.events.cursor(0).description
        }

        mutating func next() async throws -> [String: Any] {
            let response = await node.get("/v1/events?wait=60s&limit=1&after=\(after)")
            try #require(response.status == .ok)
            let page = try response.object()
            let events = try #require(page["events"] as? [[String: Any]])
            try #require(events.count == 1)
            after = try #require(page["next_after"] as? String)
            #expect(events[0]["id"] as? String == after)
            #expect(response.headers[.nextAfter] == after)
            return events[0]
        }

        mutating func next(_ type: String) async throws -> [String: Any] {
            let event = try await next()
            #expect(event["type"] as? String == type)
            return event
        }
    }

    private static let events: HTTPFields = [.accept: "text/event-stream"]

    @Test func aLifeIsToldInOrder() async throws {
        let served = try await ServedPeer()
        var follower = Follower(served.node)
        let connected = try await follower.next("connected")
        #expect(connected["connection"] as? String == served.id)
        #expect(connected["peer"] as? String == served.peer.identity.peerID.description)
        #expect(connected["direction"] as? String == "inbound")
        #expect(connected["remote_address"] as? String == served.peer.localAddress.description)
        #expect(connected["name"] == nil && connected["received"] == nil)
        let time = try #require(connected["time"] as? String)
        #expect(try abs(Date(time, strategy: .iso8601).timeIntervalSinceNow) < 3600)

        try await served.send("hello")
        let data = try await follower.next("data")
        #expect(data["received"] as? String == served.cursor(5))
        served.connection.finishWriting()
        let finished = try await follower.next("finished")
        #expect(finished["received"] as? String == served.cursor(5))
        served.connection.close(code: ResetCode(rawValue: 300))
        let closed = try await follower.next("closed")
        #expect(closed["close_reason"] as? String == "reset")
        #expect(closed["reset_code"] as? Int == 300)
        #expect(closed["received"] as? String == served.cursor(5))
        // Whoever is told that it is closed sees that it is.
        #expect(try await served.node.document(served.id)["closed_at"] != nil)
        let rest = await served.node.get("/v1/events?after=\(follower.after)")
        #expect(rest.status == .noContent)
    }

    @Test func outboundConnectionsHaveTheirName() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let body = #"{"address":"\#(there.address)","name":"music"}"#
        #expect(await here.post("/v1/connections", body).status == .created)
        var follower = Follower(here)
        let connected = try await follower.next("connected")
        #expect(connected["name"] as? String == "music")
        #expect(connected["direction"] as? String == "outbound")
        #expect(connected["remote_address"] as? String == there.address)
    }

    /// One event until somebody has read what it told of; and none is missed then.
    @Test func dataIsToldOfOnceUntilItIsRead() async throws {
        let served = try await ServedPeer("a") { $0.dataEventInterval = .zero }
        var follower = Follower(served.node)
        _ = try await follower.next("connected")
        #expect(try await follower.next("data")["received"] as? String == served.cursor(1))
        for _ in 0..<20 { try await served.send("b") }
        let silence = await served.node.get("/v1/events?wait=50ms&after=\(follower.after)")
        #expect(silence.status == .noContent)
        #expect(silence.headers[.nextAfter] == follower.after)
        // More had come before this acknowledgement.
        await served.acknowledge(1, as: "slow")
        #expect(try await follower.next("data")["received"] as? String == served.cursor(21))
        await served.acknowledge(21, as: "quick")
        try await served.send("c")
        #expect(try await follower.next("data")["received"] as? String == served.cursor(22))
    }

    /// What was acknowledged before it could be told of is not told of.
    @Test func aQuickReaderDoesNotFillTheLog() async throws {
        let served = try await ServedPeer { $0.dataEventInterval = .seconds(3600) }
        for count in 1...50 {
            try await served.send("x")
            await served.acknowledge(count)
        }
        let log = served.node.gateway.context.events
        try await eventually("connected and perhaps data") { log.end >= 1 }
        #expect(log.end <= 2)
        served.connection.close()
        try await eventually("the end is told at once") {
            try log.page(from: log.end - 1, limit: 1).events[0].event.kind == .closed
        }
        #expect(log.end <= 3)
    }

    @Test func anAddressThatChangesIsTold() async throws {
        let node = try TestNode()
        let relay = try MovingRelay(to: node.socket.localAddress.port)
        let peer = try PeerSocket.listen(on: .loopback(port: 0))
        let connection = try await peer.connect(to: .loopback(port: relay.port))
        var follower = Follower(node)
        let connected = try await follower.next("connected")
        #expect(connected["remote_address"] as? String == "127.0.0.1:\(relay.outwardPorts[0])")
        relay.move()
        try await connection.write([1])
        var moved = try await follower.next()
        if moved["type"] as? String == "data" { moved = try await follower.next() }
        #expect(moved["type"] as? String == "address_changed")
        #expect(moved["remote_address"] as? String == "127.0.0.1:\(relay.outwardPorts[1])")
        await peer.close()
    }

    @Test func itBeginsWithWhatComesNext() async throws {
        let served = try await ServedPeer()
        var follower = Follower(served.node)
        _ = try await follower.next("connected")
        let now = await served.node.get("/v1/events")
        #expect(now.status == .noContent && now.headers[.nextAfter] == follower.after)
        #expect(now.headers[.cacheControl] == "no-store")
        let head = await served.node.request(.head, "/v1/events?wait=60s")
        #expect(head.status == .noContent && head.headers[.nextAfter] == follower.after)
        async let next = served.node.get("/v1/events?wait=60s")
        try await eventually { await served.node.metric("lrp2p_polls_waiting") == 1 }
        served.connection.close()
        let closed = try #require(try await next.object()["events"] as? [[String: Any]])
        #expect(closed.map { $0["type"] as? String } == ["closed"])
    }

    @Test func whatIsForgottenIsGone() async throws {
        let served = try await ServedPeer("x") { $0.maximumRememberedEvents = 2 }
        let node = served.node, log = node.gateway.context.events
        try await eventually { log.end == 2 }
        let pages = try await node.get("/v1/events?after=\(log.cursor(0))&limit=1").object()
        #expect(pages["next_after"] as? String == log.cursor(1).description)
        served.connection.close()
        try await eventually { log.end == 3 }
        let foreign = Cursor(epoch: Epoch(value: log.epoch.value &+ 1), position: 3)
        for after in [log.cursor(0), log.cursor(4), foreign] {
            let gone = await node.get("/v1/events?wait=60s&after=\(after)")
            #expect(gone.status == .gone && gone.code == "events_missed")
            #expect(try gone.object()["field"] as? String == "after")
            #expect(try gone.object()["earliest"] as? String == log.cursor(1).description)
            var headers = Self.events
            headers[.lastEventID] = after.description
            let stream = await node.request(.get, "/v1/events", headers: headers)
            #expect(stream.code == "events_missed" && stream.stream == nil)
            #expect(try stream.object()["field"] as? String == "Last-Event-ID")
        }
        let rest = try await node.get("/v1/events?after=\(log.cursor(1))").object()
        let types = (rest["events"] as? [[String: Any]])?.map { $0["type"] as? String }
        #expect(types == ["data", "closed"])
    }

    @Test func wrongRequestsAreRefused() async throws {
        let node = try TestNode()
        func code(_ query: String, _ headers: HTTPFields = [:]) async -> String? {
            await node.request(.get, "/v1/events" + query, headers: headers).code
        }
        let start = node.gateway.context.events.cursor(0).description
        for query in ["?after=0", "?limit=0", "?limit=1001", "?wait=1", "?type=data"] {
            #expect(await code(query) == "invalid_parameter")
        }
        for query in ["?wait=1s", "?limit=10"] {
            #expect(await code(query, Self.events) == "invalid_parameter")
        }
        #expect(await code("", [.accept: "application/octet-stream"]) == "not_acceptable")
        #expect(await code("?after=\(start)", [.lastEventID: start]) == "invalid_header")
        #expect(await code("", [.lastEventID: "one"]) == "invalid_header")
    }

    @Test func asServerSentEvents() async throws {
        let served = try await ServedPeer { $0.keepAliveInterval = .milliseconds(5) }
        let node = served.node, log = node.gateway.context.events
        try await eventually { log.end == 1 }
        do {
            let response = await node.request(.get, "/v1/events", headers: Self.events)
            #expect(response.headers[.contentType] == "text/event-stream")
            #expect(response.headers[.xAccelBuffering] == "no")
            #expect(String(decoding: response.body, as: UTF8.self) == "retry: 2000\n\n")
            #expect(await node.metric("lrp2p_polls_waiting") == 1)
            #expect(try await response.text() == ": keepalive\n\n")
            served.connection.close()
            let closed = try await response.event()
            #expect(closed.type == "closed" && closed.id == log.cursor(2).description)
            let document = try closed.object()
            #expect(document["id"] as? String == closed.id)
            #expect(document["close_reason"] as? String == "reset")
            let silent = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await response.piece()
            }
            silent.cancel()
            #expect(try await silent.value == nil, "it ends in order when the server stops")
        }
        try await eventually { await node.metric("lrp2p_polls_waiting") == 0 }
        // Those after the last one, all that there are in one piece.
        var headers = Self.events
        headers[.lastEventID] = log.cursor(0).description
        let resumed = await node.request(.get, "/v1/events", headers: headers)
        let events = ServedEvent.parse(try #require(try await resumed.piece()))
        #expect(events.map(\.type) == ["connected", "closed"])
        #expect(events.map(\.id) == [log.cursor(1).description, log.cursor(2).description])
    }

    /// A client that does not keep up is told so, and not left with a hole.
    @Test func aSlowStreamBreaksOff() async throws {
        let served = try await ServedPeer { $0.maximumRememberedEvents = 1 }
        let node = served.node, log = node.gateway.context.events
        try await eventually { log.end == 1 }
        let response = await node.request(.get, "/v1/events", headers: Self.events)
        try await served.send("x")
        served.connection.close()
        try await eventually { log.end == 3 }
        let error = await #expect(throws: GatewayError.self) { try await response.piece() }
        #expect(ProblemDetails(try #require(error)).code == "events_missed")
    }

    @Test func headAnswersAndWaitsForNothing() async throws {
        let node = try TestNode()
        let head = await node.request(.head, "/v1/events", headers: Self.events)
        #expect(head.status == .ok && head.headers[.contentType] == "text/event-stream")
        #expect(await node.metric("lrp2p_polls_waiting") == 0)
    }
}
