import HTTPServer
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct DataResourceTests {
    /// Two connected nodes; `there` has received `text`.
    private struct Pair {
        let here: TestNode
        let there: TestNode
        let send: String
        let path: String
        let start: String

        init(_ text: String = "", endpoint: EndpointConfiguration = .init()) async throws {
            here = try TestNode()
            there = try TestNode(endpoint: endpoint)
            let ids = try await here.connect(to: there)
            send = "/v1/connections/\(ids.here)/data"
            path = "/v1/connections/\(ids.there)"
            start = try #require(await there.get(path + "/data").headers[.nextOffset])
            guard !text.isEmpty else { return }
            #expect(await here.post(send, text).status == .ok)
            try await eventually { try await received() == text.utf8.count }
        }

        func received() async throws -> Int? {
            let receive = try await there.get(path).object()["receive"] as? [String: Any]
            return receive?["received_offset"] as? Int
        }

        func cursor(_ position: Int) -> String { start.dropLast() + String(position) }
    }

    @Test func readingConsumesNothing() async throws {
        let pair = try await Pair("hello")
        for _ in 0..<2 {
            let response = await pair.there.get(pair.path + "/data")
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/octet-stream")
            #expect(response.body == [UInt8]("hello".utf8))
            #expect(response.headers[.offset] == pair.cursor(0))
            #expect(response.headers[.nextOffset] == pair.cursor(5))
            #expect(response.headers[.streamClosed] == nil)
        }
        let rest = await pair.there.get(pair.path + "/data?offset=\(pair.cursor(2))&max_bytes=2")
        #expect(rest.body == [UInt8]("ll".utf8))
        #expect(rest.headers[.nextOffset] == pair.cursor(4))
        let end = await pair.there.get(pair.path + "/data?offset=\(pair.cursor(5))")
        #expect(end.status == .noContent)
        #expect(end.headers[.nextOffset] == pair.cursor(5))
        #expect(await pair.there.metric("lrp2p_receive_unacknowledged_bytes") == 5)
    }

    @Test func waitsForTheFirstByte() async throws {
        let pair = try await Pair()
        async let poll = pair.there.get(pair.path + "/data?wait=60s")
        try await eventually { await pair.there.metric("lrp2p_polls_waiting") == 1 }
        #expect(await pair.here.post(pair.send, "x").status == .ok)
        let response = await poll
        #expect(response.body == [UInt8]("x".utf8))
        let empty = await pair.there.get(pair.path + "/data?offset=\(pair.cursor(1))&wait=20ms")
        #expect(empty.status == .noContent)
        #expect(empty.headers[.nextOffset] == pair.cursor(1))
    }

    /// An end is told at once, with the last bytes, and whoever waits learns of it.
    @Test func theEndOfAStreamIsTold() async throws {
        let here = try TestNode()
        let peer = try PeerSocket.listen(on: .loopback(port: 0))
        let connected = await here.post(
            "/v1/connections", #"{"address":"\#(peer.localAddress)"}"#)
        let id = try #require(try connected.object()["id"] as? String)
        let path = "/v1/connections/\(id)/data"
        let connection = try await peer.accept(deadline: .now + .seconds(60))
        try await connection.write([UInt8]("end".utf8))
        try await connection.drain(deadline: .now + .seconds(60))
        let first = await here.get(path + "?wait=60s")
        let next = try #require(first.headers[.nextOffset])
        #expect(first.body == [UInt8]("end".utf8) && first.headers[.streamClosed] == nil)
        async let poll = here.get(path + "?wait=60s&offset=\(next)")
        try await eventually { await here.metric("lrp2p_polls_waiting") == 1 }
        connection.finishWriting()
        let woken = await poll
        #expect(woken.status == .noContent && woken.headers[.streamClosed] == "true")
        #expect(woken.headers[.streamFinished] == "true")
        // All of it again, and its end with it: the connection is still open, and can be sent to.
        let again = await here.get(path + "?wait=60s")
        #expect(again.status == .ok && again.body == [UInt8]("end".utf8))
        #expect(again.headers[.streamClosed] == "true")
        let part = await here.get(path + "?max_bytes=2")
        #expect(part.headers[.streamClosed] == nil)
        let start = ContinuousClock.now
        let end = await here.get(path + "?wait=60s&auto_ack=true&offset=\(next)")
        #expect(end.status == .noContent && end.headers[.streamClosed] == "true")
        #expect(ContinuousClock.now - start < .seconds(30), "it does not wait")
        #expect(try await here.document(id)["state"] as? String == "open")
        #expect(await here.post(path, "still").status == .ok)
        #expect(try await connection.read(maxBytes: 5) == [UInt8]("still".utf8))
        await peer.close()
    }

    @Test func acknowledgingFreesAndNeverGoesBack() async throws {
        let pair = try await Pair("hello")
        let ack = pair.path + "/ack"
        for (position, result) in [(2, 2), (2, 2), (1, 2), (4, 4), (0, 4)] {
            let response = await pair.there.post(ack, #"{"offset":"\#(pair.cursor(position))"}"#)
            #expect(response.status == .ok)
            let document = try response.object()
            #expect(document["acknowledged"] as? String == pair.cursor(result))
            #expect(document["received"] as? String == pair.cursor(5))
        }
        // What is left is what is read by default.
        #expect(await pair.there.get(pair.path + "/data").body == [UInt8]("o".utf8))
        let trimmed = await pair.there.get(pair.path + "/data?offset=\(pair.cursor(3))")
        #expect(trimmed.status == .gone)
        #expect(trimmed.code == "offset_trimmed")
        #expect(try trimmed.object()["earliest"] as? String == pair.cursor(4))
    }

    @Test func acknowledgesWhileReading() async throws {
        let pair = try await Pair("hello")
        let response = await pair.there.get(pair.path + "/data?ack=\(pair.cursor(3))")
        #expect(response.body == [UInt8]("lo".utf8))
        #expect(response.headers[.offset] == pair.cursor(3))
        let all = await pair.there.get(pair.path + "/data?auto_ack=true&max_bytes=1")
        #expect(all.body == [UInt8]("l".utf8))
        #expect(await pair.there.get(pair.path + "/data").headers[.offset] == pair.cursor(4))
    }

    @Test func headAcknowledgesNothing() async throws {
        let pair = try await Pair("hello")
        for query in ["?auto_ack=true", "?ack=\(pair.cursor(5))"] {
            _ = await pair.there.request(.head, pair.path + "/data" + query)
        }
        let head = await pair.there.request(.head, pair.path + "/data")
        #expect(head.status == .ok)
        #expect(head.headers[.sendOffset] == "0")
        #expect(await pair.there.get(pair.path + "/data").body == [UInt8]("hello".utf8))
    }

    @Test func refusesWrongCursors() async throws {
        let pair = try await Pair("hello")
        let foreign = "00000000-0" == pair.cursor(0) ? "00000001-0" : "00000000-0"
        for target in ["/data?offset=", "/data?ack="] {
            let expired = await pair.there.get(pair.path + target + foreign)
            #expect(expired.status == .gone)
            #expect(expired.code == "cursor_expired")
            #expect(try expired.object()["earliest"] as? String == pair.cursor(0))
            let beyond = await pair.there.get(pair.path + target + pair.cursor(6))
            #expect(beyond.status == .conflict)
            #expect(beyond.code == "offset_beyond_end")
            #expect(try beyond.object()["end"] as? String == pair.cursor(5))
            #expect(await pair.there.get(pair.path + target + "0").code == "invalid_parameter")
        }
        let ack = pair.path + "/ack"
        #expect(await pair.there.post(ack, #"{"offset":"\#(foreign)"}"#).code == "cursor_expired")
        #expect(
            await pair.there.post(ack, #"{"offset":"\#(pair.cursor(6))"}"#).code
                == "offset_beyond_end")
        #expect(await pair.there.post(ack, #"{"offset":"5"}"#).code == "invalid_member")
        #expect(await pair.there.post(ack, "{}").code == "invalid_member")
        for query in ["?max_bytes=0", "?max_bytes=4194305", "?wait=1", "?auto_ack=1", "?from=0"] {
            #expect(await pair.there.get(pair.path + "/data" + query).code == "invalid_parameter")
        }
    }

    /// The window is closed by what nobody has acknowledged, and by nothing else.
    @Test func aSlowReaderSlowsTheSender() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.receiveBufferBytes = 64 << 10
        let pair = try await Pair(endpoint: endpoint)
        let bytes = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 / 251) }
        async let upload = pair.here.request(.put, pair.send, body: bytes)
        try await eventually { try await pair.received() ?? 0 >= 60 << 10 }
        #expect(try await pair.received() ?? .max <= 64 << 10)
        let busy = await pair.here.post(pair.send, "x")
        #expect(busy.code == "upload_in_progress")
        let id = try #require(pair.path.split(separator: "/").last)
        #expect(try await pair.there.read(bytes.count, from: String(id)) == bytes)
        let receipt = try await upload.object()
        #expect(receipt["accepted_offset"] as? Int == bytes.count)
    }
}
