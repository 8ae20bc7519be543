import HTTPServer
import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

@Suite struct DrainTests {
    @Test func whatIsOpenIsServed() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        here.gateway.beginDraining()
        let readiness = await here.get("/readyz")
        #expect(readiness.status == .serviceUnavailable && readiness.code == "shutting_down")
        #expect(await here.post("/v1/connections/\(ids.here)/data", "last").status == .ok)
        #expect(try await there.read(4, from: ids.there) == Array("last".utf8))
        _ = await there.post("/v1/connections/\(ids.there)/data", "words")
        #expect(try await here.read(5, from: ids.here) == Array("words".utf8))
        #expect(await here.get("/v1/node").status == .ok)
    }

    @Test func nothingNewIsMade() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        here.gateway.beginDraining()
        let connect = await here.post("/v1/connections", #"{"address":"\#(there.address)"}"#)
        #expect(connect.code == "shutting_down")
        #expect(connect.headers[.retryAfter] != nil)
        // A peer gets through the handshake and learns at once that it was in vain.
        let refused = try await there.socket.connect(to: here.socket.localAddress)
        #expect(await refused.waitUntilClosed(deadline: .now + .seconds(60)) == .reset)
        let list = try await here.get("/v1/connections").object()
        #expect((list["connections"] as? [Any])?.isEmpty == true)
    }

    @Test(.timeLimit(.minutes(1)))
    func itIsOverWithTheLastConnection() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        await here.gateway.waitUntilNoneOpen(deadline: .now + .seconds(600))
        let ids = try await here.connect(to: there)
        let start = ContinuousClock.now
        await here.gateway.waitUntilNoneOpen(deadline: start + .milliseconds(50))
        #expect(ContinuousClock.now >= start + .milliseconds(50))
        async let over: Void = here.gateway.waitUntilNoneOpen(deadline: .now + .seconds(600))
        _ = await there.request(.delete, "/v1/connections/\(ids.there)")
        await over
    }

    @Test func flushEndsTheStreams() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        _ = await here.post("/v1/connections/\(ids.here)/data", "all")
        #expect(await here.gateway.flush(deadline: .now + .seconds(60)) == .init())
        // The connection is still open: it is the end of the stream that has come.
        let all = await there.get("/v1/connections/\(ids.there)/data?wait=60s")
        #expect(all.body == Array("all".utf8))
        let document = try await there.document(ids.there)
        #expect((document["receive"] as? [String: Any])?["finished"] as? Bool == true)
        #expect(document["state"] as? String == "open")
    }

    @Test func flushTellsWhatIsLeft() async throws {
        // Nobody reads there, so it takes no more than fits.
        var endpoint = EndpointConfiguration()
        endpoint.receiveBufferBytes = 4 << 10
        let (here, there) = (try TestNode(), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        let body = [UInt8](repeating: 7, count: 32 << 10)
        let path = "/v1/connections/\(ids.here)/data"
        #expect(await here.request(.post, path, body: body).status == .ok)
        let undelivered = await here.gateway.flush(deadline: .now + .milliseconds(500))
        let send = try #require(try await here.document(ids.here)["send"] as? [String: Any])
        let acknowledged = try #require(send["acknowledged_offset"] as? Int)
        #expect(acknowledged < body.count)
        #expect(undelivered.connections == 1)
        #expect(undelivered.bytes == UInt64(body.count - acknowledged))
    }

    @Test func whatIsClosedNeedsNoFlush() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        await there.socket.close()
        let connection = try here.gateway.context.registry.connection(ids.here)
        let reason = await connection.transport?.waitUntilClosed(deadline: .now + .seconds(60))
        #expect(reason == .reset)
        #expect(await here.gateway.flush(deadline: .now + .seconds(60)) == .init())
    }
}
