import Foundation
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway
@testable import Spool

/// What has arrived outlives the gateway that it has arrived at.
struct GatewaySpoolTests {
    private static func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "gateway-spool-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test func aRestartLosesNothing() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20)
            let b = try TestNode(spool: spool)
            let (here, there) = try await a.connect(to: b)
            let sent = await a.post("/v1/connections/\(here)/data?until=acknowledged", "abcdef")
            #expect(try sent.object()["acknowledged_offset"] as? Int == 6)
            let first = await b.get("/v1/connections/\(there)/data?reader=x&max_bytes=2")
            let cursor = try #require(first.headers[.nextOffset])
            #expect(first.body == Array("ab".utf8))
            let ack = #"{"offset":"\#(cursor)"}"#
            #expect(await b.post("/v1/connections/\(there)/ack?reader=x", ack).status == .ok)
            await b.socket.close()
            await b.gateway.closeSpool()

            let later = try Spool(directory: path, limit: 1 << 20)
            let c = try TestNode(spool: later)
            let document = try await c.document(there)
            #expect(document["state"] as? String == "closed")
            #expect(document["close_reason"] as? String == "local")
            #expect(document["peer"] as? String == a.peer)
            #expect(document["transport"] == nil && document["send"] == nil)
            let receive = try #require(document["receive"] as? [String: Any])
            #expect(receive["acknowledged"] as? String == cursor)
            #expect(receive["finished"] as? Bool == false)
            // Under the old cursor, and where the reader was.
            for query in ["offset=\(cursor)", "reader=x"] {
                let rest = await c.get("/v1/connections/\(there)/data?\(query)")
                #expect(rest.body == Array("cdef".utf8))
                #expect(rest.headers[.streamClosed] == "true")
                // The peer had not ended it.
                #expect(rest.headers[.streamFinished] == nil)
            }
            let upload = await c.post("/v1/connections/\(there)/data", "x")
            #expect(upload.status == .conflict && upload.code == "connection_closed")
            let removed = await c.request(.delete, "/v1/connections/\(there)")
            #expect(removed.status == .noContent)
            #expect(await c.get("/v1/connections/\(there)").status == .notFound)
            try await eventually { later.storedBytes == 0 }
            await c.gateway.closeSpool()
        }
    }

    /// However soon it comes after the connection itself.
    @Test func aNameGivenLaterOutlivesTheProcess() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20)
            let b = try TestNode(spool: spool)
            var names: Set<String> = []
            for number in 0..<20 {
                let target = #"{"address":"\#(b.address)"}"#
                let here = try await a.post("/v1/connections", target).object()["id"] as? String
                let name = "name-\(number)"
                #expect(await b.get("/v1/accept?wait=60s&name=\(name)").status == .ok)
                let id = try #require(here)
                let sent = await a.post("/v1/connections/\(id)/data?until=acknowledged", "abc")
                #expect(sent.status == .ok)
                if number.isMultiple(of: 2) {
                    _ = await a.request(.delete, "/v1/connections/\(id)")
                }
                names.insert(name)
            }
            await b.socket.close()
            await b.gateway.closeSpool()

            let later = try Spool(directory: path, limit: 1 << 20)
            let c = try TestNode(spool: later)
            let page = try await c.get("/v1/connections").object()
            let found = try #require(page["connections"] as? [[String: Any]])
            #expect(Set(found.compactMap { $0["name"] as? String }) == names)
            #expect(found.allSatisfy { $0["close_reason"] as? String != "gateway_restart" })
            await c.gateway.closeSpool()
        }
    }

    /// Looking after readers who have done nothing costs the disk nothing.
    @Test func readersThatStandStillAreNotWrittenAgain() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20)
            let b = try TestNode(spool: spool)
            let (here, there) = try await a.connect(to: b)
            _ = await a.post("/v1/connections/\(here)/data?until=acknowledged", "abc")
            let next = try #require(
                await b.get("/v1/connections/\(there)/data?wait=60s").headers[.nextOffset])
            _ = await b.post("/v1/connections/\(there)/ack", #"{"offset":"\#(next)"}"#)
            try await spool.begin("before", details: [])
            let before = spool.commits.succeeded
            for _ in 0..<5 { b.gateway.context.registry.expireReaders() }
            try await spool.begin("after", details: [])
            #expect(spool.commits.succeeded == before + 1)
            await b.socket.close()
            await b.gateway.closeSpool()
        }
    }

    /// What the disk does not take is not told to have arrived, and whoever asks is told why.
    @Test func aFailingDiskShows() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20, maximumPages: 10)
            let b = try TestNode(spool: spool)
            let (here, there) = try await a.connect(to: b)
            #expect(await b.get("/readyz").status == .ok)
            let bytes = [UInt8](repeating: 7, count: 65_536)
            let sent = await a.request(
                .post, "/v1/connections/\(here)/data?until=sent", body: bytes)
            #expect(sent.status == .ok)
            try await eventually { await b.get("/readyz").code == "spool_failing" }
            #expect(await b.metric("lrp2p_spool_failures_total") ?? 0 > 0)
            // A first part may have found room.
            let send = try #require(try await a.document(here)["send"] as? [String: Any])
            let told = try #require(send["acknowledged_offset"] as? Int)
            let shown = await b.get("/v1/connections/\(there)/data").body.count
            #expect(told <= shown && shown < bytes.count)
            await b.socket.close()
            // Comes to an end all the same.
            await b.gateway.closeSpool()
        }
    }

    /// A disk that does not give back what it has is not taken for one that has nothing.
    @Test func bytesThatCannotBeReadAreNotMissing() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20)
            let b = try TestNode(spool: spool)
            let (here, there) = try await a.connect(to: b)
            _ = await a.post("/v1/connections/\(here)/data?until=acknowledged", "abc")
            await b.socket.close()
            await b.gateway.closeSpool()

            let c = try TestNode(spool: try Spool(directory: path, limit: 1 << 20))
            await c.gateway.closeSpool()
            for target in ["data?wait=60s", "stream"] {
                let answer = await c.get("/v1/connections/\(there)/\(target)")
                if target == "stream" {
                    await #expect(throws: (any Error).self) { try await answer.stream?() }
                } else {
                    #expect(answer.status == .serviceUnavailable)
                    #expect(answer.code == "spool_failing")
                    #expect(answer.headers[.retryAfter] != nil)
                }
            }
        }
    }

    /// Bytes that nobody has acknowledged stay, however many connections close after theirs.
    @Test func unreadBytesAreNotForgotten() async throws {
        try await Self.withDirectory { path in
            var limits = GatewayLimits()
            limits.maximumClosedConnections = 1
            limits.closedConnectionRetention = .zero
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 1 << 20)
            let b = try TestNode(limits: limits, spool: spool)
            let (here, there) = try await a.connect(to: b)
            _ = await a.post("/v1/connections/\(here)/data?until=acknowledged", "abc")
            _ = await a.request(.delete, "/v1/connections/\(here)")
            for _ in 0..<3 {
                let (other, theirs) = try await a.connect(to: b)
                _ = await a.request(.delete, "/v1/connections/\(other)")
                try await eventually {
                    await b.get("/v1/connections/\(theirs)").status == .notFound
                }
            }
            let data = "/v1/connections/\(there)/data"
            let kept = await b.get(data)
            #expect(kept.body == Array("abc".utf8))
            let end = try #require(kept.headers[.nextOffset])
            _ = await b.post("/v1/connections/\(there)/ack", #"{"offset":"\#(end)"}"#)
            b.gateway.context.registry.removeExpired()
            #expect(await b.get(data).status == .notFound)
            await b.socket.close()
            await b.gateway.closeSpool()
            let left = try Spool(directory: path, limit: 1 << 20)
            #expect(left.found.isEmpty)
            await left.close()
        }
    }

    /// What is not on the disk is not shown to readers, and not acknowledged to the peer.
    @Test func aFullSpoolSlowsTheSender() async throws {
        try await Self.withDirectory { path in
            let a = try TestNode()
            let spool = try Spool(directory: path, limit: 40_000)
            let b = try TestNode(spool: spool)
            let (here, there) = try await a.connect(to: b)
            let bytes = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            let upload = Task {
                await a.request(
                    .post, "/v1/connections/\(here)/data?until=acknowledged&wait=60s", body: bytes)
            }
            var read: [UInt8] = []
            var next = ""
            while read.count < bytes.count {
                let answer = await b.get("/v1/connections/\(there)/data?wait=60s" + next)
                try #require(answer.status == .ok)
                read += answer.body
                let cursor = try #require(answer.headers[.nextOffset])
                next = "&offset=\(cursor)&ack=\(cursor)"
                let send = try #require(try await a.document(here)["send"] as? [String: Any])
                #expect(try #require(send["acknowledged_offset"] as? Int) <= read.count)
            }
            #expect(read == bytes)
            _ = await b.get("/v1/connections/\(there)/data?" + next.dropFirst())
            #expect(await upload.value.status == .ok)
            #expect(await b.metric("lrp2p_spool_limit_bytes") == 40_000)
            await b.socket.close()
            await b.gateway.closeSpool()
        }
    }
}
