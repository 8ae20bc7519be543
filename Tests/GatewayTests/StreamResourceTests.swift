import Foundation
import HTTPServer
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct StreamResourceTests {
    private static let events: HTTPFields = [.accept: "text/event-stream"]

    private func stream(
        _ served: ServedPeer, _ query: String = "", _ headers: HTTPFields = [:]
    ) async -> ServerResponse {
        await served.node.request(.get, served.path + "/stream" + query, headers: headers)
    }

    private func waiting(_ node: TestNode) async -> Double? {
        await node.metric("lrp2p_polls_waiting")
    }

    @Test func everythingComesAndThenTheEnd() async throws {
        let served = try await ServedPeer("hello")
        do {
            let response = await stream(served)
            #expect(response.status == .ok && response.body.isEmpty)
            #expect(response.headers[.contentType] == "application/octet-stream")
            #expect(response.headers[.cacheControl] == "no-store")
            #expect(response.headers[.xAccelBuffering] == "no")
            #expect(response.headers[.offset] == served.cursor(0))
            #expect(await waiting(served.node) == 1)
            #expect(try await response.text() == "hello")
            async let next = response.text()
            try await served.send("world")
            #expect(try await next == "world")
            async let end = response.text()
            served.connection.finishWriting()
            #expect(try await end == nil)
            #expect(await waiting(served.node) == 0, "it does not wait any more")
            #expect(try await response.text() == nil)
        }
        // Nothing was acknowledged, and all of it can be had again.
        #expect(try await served.acknowledged() == 0)
        let again = await stream(served, "?offset=\(served.cursor(3))")
        #expect(try await again.text() == "loworld")
        #expect(try await again.text() == nil)
    }

    @Test func piecesAreBounded() async throws {
        let served = try await ServedPeer("hello") { $0.maximumStreamPieceBytes = 4 }
        let response = await stream(served)
        #expect(try await response.text() == "hell")
        #expect(try await response.text() == "o")
    }

    @Test func automaticallyOnlyWhatWasTakenIsAcknowledged() async throws {
        let served = try await ServedPeer("hello") { $0.maximumStreamPieceBytes = 3 }
        let response = await stream(served, "?auto_ack=true&reader=r")
        #expect(try await response.text() == "hel")
        #expect(try await served.acknowledged() == 0)
        #expect(try await response.text() == "lo")
        #expect(try await served.acknowledged() == 3)
        served.connection.finishWriting()
        #expect(try await response.text() == nil)
        #expect(try await served.acknowledged() == 5)
    }

    @Test func whatOthersFreeBreaksItOff() async throws {
        let served = try await ServedPeer("hello") { $0.maximumStreamPieceBytes = 2 }
        let response = await stream(served)
        #expect(try await response.text() == "he")
        await served.acknowledge(3, as: "other")
        let error = await #expect(throws: GatewayError.self) { try await response.piece() }
        let problem = ProblemDetails(try #require(error))
        #expect(problem.code == "offset_trimmed" && problem.earliest == served.cursor(3))
    }

    /// A reader that has joined is waited for.
    @Test func aNamedReaderGoesOnWhereItWas() async throws {
        let served = try await ServedPeer("hello")
        let first = await stream(served, "?reader=r")
        #expect(try await first.text() == "hello")
        await served.acknowledge(2, as: "r")
        await served.acknowledge(5, as: "other")
        #expect(try await served.acknowledged() == 2)
        let second = await stream(served, "?reader=r")
        #expect(second.headers[.offset] == served.cursor(2))
        #expect(try await second.text() == "llo")
    }

    @Test func asServerSentEvents() async throws {
        let served = try await ServedPeer("hello") { $0.keepAliveInterval = .milliseconds(5) }
        let response = await stream(served, "", Self.events)
        #expect(response.headers[.contentType] == "text/event-stream")
        #expect(response.headers[.cacheControl] == "no-store")
        #expect(response.headers[.xAccelBuffering] == "no")
        #expect(String(decoding: response.body, as: UTF8.self) == "retry: 2000\n\n")
        let first = try await response.event()
        #expect(first.type == "data" && first.id == served.cursor(5))
        let data = try first.object()
        #expect(data["offset"] as? String == served.cursor(0))
        #expect(data["next_offset"] as? String == served.cursor(5))
        #expect(data["base64"] as? String == Data("hello".utf8).base64EncodedString())
        #expect(try await response.text() == ": keepalive\n\n")

        try await served.send("world")
        var headers = Self.events
        headers[.lastEventID] = first.id
        let resumed = await stream(served, "", headers)
        #expect(try await resumed.event().object()["base64"] as? String == "d29ybGQ=")
        served.connection.finishWriting()
        let end = try await resumed.event()
        #expect(end.type == "end" && end.id == served.cursor(10))
        #expect(end.data == #"{"offset":"\#(served.cursor(10))"}"#)
        #expect(try await resumed.piece() == nil)
    }

    @Test func theEndSaysWhyTheConnectionIsClosed() async throws {
        let served = try await ServedPeer()
        let response = await stream(served, "", Self.events)
        async let end = response.event()
        served.connection.close()
        #expect(try await end.object()["close_reason"] as? String == "reset")
        #expect(try await response.piece() == nil)
    }

    @Test func wrongRequestsAreRefused() async throws {
        let served = try await ServedPeer("hello")
        func code(_ query: String, _ headers: HTTPFields = [:]) async -> String? {
            await stream(served, query, headers).code
        }
        let start = served.cursor(0)
        let foreign = start == "00000000-0" ? "00000001-0" : "00000000-0"
        #expect(await code("?offset=\(foreign)") == "cursor_expired")
        #expect(await code("?offset=\(served.cursor(6))") == "offset_beyond_end")
        #expect(await code("?offset=5") == "invalid_parameter")
        #expect(await code("?wait=1s") == "invalid_parameter")
        #expect(await code("?reader=/") == "invalid_parameter")
        #expect(await code("", [.accept: "text/html"]) == "not_acceptable")
        #expect(await code("", [.lastEventID: "5"]) == "invalid_header")
        #expect(await code("?offset=\(start)", [.lastEventID: start]) == "invalid_header")
        let expired = await stream(served, "", [.lastEventID: foreign])
        #expect(expired.status == .gone && expired.code == "cursor_expired")
        #expect(try expired.object()["field"] as? String == "Last-Event-ID")
        await served.acknowledge(2)
        #expect(await code("", [.lastEventID: start]) == "offset_trimmed")
        #expect(await served.node.get("/v1/connections/c/stream").code == "unknown_connection")
        #expect(await waiting(served.node) == 0)
    }

    @Test func aStreamIsAWaiter() async throws {
        let served = try await ServedPeer("hello") { $0.maximumWaiters = 1 }
        do {
            let open = await stream(served)
            #expect(await waiting(served.node) == 1)
            let refused = await stream(served, "?reader=refused")
            #expect(refused.code == "too_many_waiters")
            let receive = try await served.node.document(served.id)["receive"] as? [String: Any]
            #expect((receive?["readers"] as? [Any])?.isEmpty == true)
            #expect(try await open.text() == "hello")
        }
        #expect(await waiting(served.node) == 0, "nobody holds the stream")
    }

    @Test func headAnswersAndWaitsForNothing() async throws {
        let served = try await ServedPeer("hello") { $0.maximumWaiters = 1 }
        let head = await served.node.request(
            .head, served.path + "/stream?auto_ack=true", headers: Self.events)
        #expect(head.status == .ok)
        #expect(head.headers[.contentType] == "text/event-stream")
        #expect(head.stream != nil, "it has no length")
        #expect(await waiting(served.node) == 0)
        #expect(try await served.acknowledged() == 0)
    }

    /// As when the server stops: what is there still goes out, and the end is in order.
    @Test func cancellationEndsItInOrder() async throws {
        let served = try await ServedPeer("hello") { $0.maximumStreamPieceBytes = 3 }
        let response = await stream(served)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var pieces: [String] = []
            while let piece = try await response.text() { pieces.append(piece) }
            return pieces
        }
        task.cancel()
        #expect(try await task.value == ["hel", "lo"])
        let waiting = await stream(served, "?offset=\(served.cursor(5))", Self.events)
        let silent = Task { try await waiting.piece() }
        silent.cancel()
        #expect(try await silent.value == nil)
    }
}
