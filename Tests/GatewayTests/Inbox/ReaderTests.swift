import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

/// Several readers of one connection, through the resources.
struct ReaderTests {
    private func send(_ text: String, from node: TestNode, _ id: String) async {
        let answer = await node.post("/v1/connections/\(id)/data?until=acknowledged", text)
        #expect(answer.status == .ok)
    }

    @Test func eachReaderGetsEverything() async throws {
        let a = try TestNode(), b = try TestNode()
        let (here, there) = try await a.connect(to: b)
        let data = "/v1/connections/\(there)/data"
        // Who names itself before anything is acknowledged misses nothing.
        for reader in ["x", "y"] {
            #expect(await b.get("\(data)?reader=\(reader)").status == .noContent)
        }
        await send("abcdef", from: a, here)
        let x = await b.get("\(data)?reader=x&wait=60s")
        #expect(x.body == Array("abcdef".utf8))
        let end = try #require(x.headers[.nextOffset])
        #expect(await b.get("\(data)?reader=x&ack=\(end)").status == .noContent)
        let y = await b.get("\(data)?reader=y&max_bytes=4")
        #expect(y.body == Array("abcd".utf8))
        let middle = try #require(y.headers[.nextOffset])
        let answer = await b.post(
            "/v1/connections/\(there)/ack?reader=y", #"{"offset":"\#(middle)"}"#)
        #expect(try answer.object()["acknowledged"] as? String == middle)
        // One without a name begins at what is still there, and nobody waits for it.
        #expect(await b.get(data).body == Array("ef".utf8))
        let receive = try #require(try await b.document(there)["receive"] as? [String: Any])
        let readers = try #require(receive["readers"] as? [[String: Any]])
        #expect(readers.compactMap { $0["name"] as? String } == ["x", "y"])
        #expect(readers.compactMap { $0["acknowledged_offset"] as? Int } == [6, 4])
        #expect(receive["acknowledged_offset"] as? Int == 4)
        let removed = await b.request(.delete, "/v1/connections/\(there)/readers/y")
        #expect(removed.status == .noContent)
        let after = try #require(try await b.document(there)["receive"] as? [String: Any])
        #expect(after["acknowledged_offset"] as? Int == 6)
        let again = await b.request(.delete, "/v1/connections/\(there)/readers/y")
        #expect(again.status == .notFound && again.code == "unknown_reader")
    }

    @Test func aReaderThatHoldsOthersBackIsToldSo() async throws {
        var limits = GatewayLimits()
        limits.readerTimeout = .zero
        let a = try TestNode(), b = try TestNode(limits: limits)
        let (here, there) = try await a.connect(to: b)
        let data = "/v1/connections/\(there)/data"
        #expect(await b.get("\(data)?reader=slow").status == .noContent)
        await send("abc", from: a, here)
        let fast = await b.get("\(data)?reader=fast&wait=60s")
        let end = try #require(fast.headers[.nextOffset])
        #expect(await b.get("\(data)?reader=fast&ack=\(end)").status == .noContent)
        let refused = await b.get("\(data)?reader=slow")
        #expect(refused.status == .gone && refused.code == "reader_expired")
        let earliest = try #require(try refused.object()["earliest"] as? String)
        #expect(earliest == end)
        #expect(await b.get("\(data)?reader=slow&offset=\(earliest)").status == .noContent)
        await send("def", from: a, here)
        #expect(await b.get("\(data)?reader=slow&wait=60s").body == Array("def".utf8))
    }

    /// What the peer's window keeps back has not been sent, though all of it is accepted.
    @Test func sentIsWhatHasLeft() async throws {
        let a = try TestNode(), b = try TestNode()
        let (here, _) = try await a.connect(to: b)
        let target = "/v1/connections/\(here)/data"
        let window = [UInt8](repeating: 1, count: 65_536)
        let first = await a.request(.post, "\(target)?until=sent&wait=60s", body: window)
        #expect(first.status == .ok)
        #expect(await a.post("\(target)?until=acknowledged", "").status == .ok)
        let second = await a.post("\(target)?until=sent&wait=50ms", "more")
        #expect(second.status == .gatewayTimeout && second.code == "acknowledgement_timeout")
        #expect(try second.object()["accepted_offset"] as? Int == window.count + 4)
        #expect(try second.object()["acknowledged_offset"] as? Int == window.count)
    }

    @Test func noMoreConnectionsThanMayBe() async throws {
        var limits = GatewayLimits()
        limits.maximumKeptConnections = 1
        let a = try TestNode(limits: limits), b = try TestNode()
        _ = try await a.connect(to: b)
        let refused = await a.post("/v1/connections", #"{"address":"\#(b.address)"}"#)
        #expect(refused.status == .tooManyRequests && refused.code == "connection_limit")
    }

    @Test func namesAndNumbersOfReadersAreLimited() async throws {
        var limits = GatewayLimits()
        limits.maximumReaders = 2
        let a = try TestNode(), b = try TestNode(limits: limits)
        let (_, there) = try await a.connect(to: b)
        let data = "/v1/connections/\(there)/data"
        for reader in ["1", "2"] {
            #expect(await b.get("\(data)?reader=\(reader)").status == .noContent)
        }
        let third = await b.get("\(data)?reader=3")
        #expect(third.status == .tooManyRequests && third.code == "too_many_readers")
        #expect(third.headers[.retryAfter] != nil)
        for name in ["", "a b", "é", String(repeating: "x", count: 65)] {
            let answer = await b.get("\(data)?reader=\(name)")
            #expect(answer.status == .badRequest && answer.code == "invalid_parameter")
        }
    }
}
