import Foundation
import HTTPTypes
import LRP2P
import Spool
import TestSupport
import Testing

@testable import Gateway

struct SpoolStreamTests {
    @Test func aStreamGoesOnAfterARestart() async throws {
        let path = NSTemporaryDirectory() + "gateway-streams-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        var limits = GatewayLimits()
        limits.maximumStreamPieceBytes = 4
        var headers: HTTPFields = [.accept: "text/event-stream"]
        let a = try TestNode()
        let b = try TestNode(limits: limits, spool: try Spool(directory: path, limit: 1 << 20))
        let (here, there) = try await a.connect(to: b)
        let stream = "/v1/connections/\(there)/stream"
        let before = await b.request(.get, stream, headers: headers)
        _ = await a.post("/v1/connections/\(here)/data?until=acknowledged", "abcdef")
        let first = try await before.event()
        #expect(try first.object()["base64"] as? String == "YWJjZA==")
        let log = b.gateway.context.events
        try await eventually("connected and data") { log.end == 2 }
        let data = try log.page(from: 1, limit: 1).events[0].event
        #expect(data.kind == .data && data.received?.position == 6)
        _ = await a.request(.delete, "/v1/connections/\(here)?drain=30s")
        try await eventually("the end, after all is kept") { log.end == 4 }
        let rest = try log.page(from: 2, limit: 2).events.map(\.event)
        #expect(rest.map(\.kind) == [.finished, .closed])
        await b.socket.close()
        await b.gateway.closeSpool()

        let later = try Spool(directory: path, limit: 1 << 20)
        let c = try TestNode(limits: limits, spool: later)
        #expect(c.gateway.context.events.end == 0, "it is not new")
        headers[.lastEventID] = first.id
        let after = await c.request(.get, stream, headers: headers)
        #expect(try await after.event().object()["base64"] as? String == "ZWY=")
        let end = try await after.event()
        #expect(end.type == "end")
        #expect(try end.object()["close_reason"] as? String == "reset")
        #expect(try await after.piece() == nil)
        await c.gateway.closeSpool()
    }
}
