import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct UploadResourceTests {
    @Test func tellsBothOffsets() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.here)/data"
        for (method, total) in [(HTTPRequest.Method.post, 5), (.put, 10)] {
            let response = await here.request(method, path, body: [UInt8]("hello".utf8))
            #expect(response.status == .ok)
            #expect(try response.object()["accepted_offset"] as? Int == total)
        }
        let response = await here.post(path + "?until=acknowledged&wait=60s", "!")
        #expect(try response.object()["acknowledged_offset"] as? Int == 11)
        #expect(try await there.read(11, from: ids.there) == [UInt8]("hellohello!".utf8))
    }

    @Test func anUploadCanBeRepeated() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.here)/data"
        func send(_ text: String, at offset: String) async -> (String?, String?) {
            let response = await here.request(
                .post, path, body: [UInt8](text.utf8), headers: [.sendOffset: offset])
            return (response.headers[.sendOffset], response.code)
        }
        #expect(await send("hello", at: "0") == ("5", nil))
        #expect(await send("hello", at: "0") == ("5", nil))
        #expect(await send("lo world", at: "3") == ("11", nil))
        #expect(await send("", at: "11") == ("11", nil))
        #expect(await send("x", at: "12") == (nil, "send_offset_gap"))
        for offset in ["", "-1", "+1", "x", "99999999999999999999", "1, 2"] {
            #expect(await send("x", at: offset) == (nil, "invalid_header"))
        }
        #expect(await here.request(.head, path).headers[.sendOffset] == "11")
        #expect(try await there.read(11, from: ids.there) == [UInt8]("hello world".utf8))
    }

    @Test func acknowledgementTimesOut() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.idleTimeout = nil
        // A peer of the base protocol vanishes without a word.
        endpoint.isExtended = false
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode())
        let ids = try await here.connect(to: there)
        await there.socket.close()
        let response = await here.post(
            "/v1/connections/\(ids.here)/data?until=acknowledged&wait=50ms", "hello")
        #expect(response.status == .gatewayTimeout)
        #expect(response.code == "acknowledgement_timeout")
        #expect(try response.object()["accepted_offset"] as? Int == 5)
        #expect(try response.object()["acknowledged_offset"] as? Int == 0)
    }

    /// A client that leaves in the middle gives the right to send back.
    @Test func aBrokenUploadEnds() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.sendBufferBytes = 64 << 10
        endpoint.receiveBufferBytes = 64 << 10
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.here)/data"
        let upload = Task {
            await here.request(.post, path, body: [UInt8](repeating: 1, count: 1 << 20))
        }
        try await eventually {
            let send = try await here.document(ids.here)["send"] as? [String: Any]
            return (send?["accepted_offset"] as? Int ?? 0) >= 64 << 10
        }
        upload.cancel()
        #expect(await upload.value.status.code == 499)
        let next = await here.request(.post, path, headers: [.sendOffset: "0"])
        #expect(next.status == .ok)
    }

    /// The first client has left unnoticed: the window is closed, so nothing of it is read.
    @Test func aRepeatedUploadTakesOver() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.receiveBufferBytes = 64 << 10
        endpoint.sendBufferBytes = 64 << 10
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.here)/data"
        let bytes = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 / 251) }
        async let first = here.request(.post, path, body: bytes)
        try await eventually {
            let send = try await here.document(ids.here)["send"] as? [String: Any]
            return (send?["accepted_offset"] as? Int ?? 0) >= 64 << 10
        }
        #expect(await here.request(.post, path, body: bytes).code == "upload_in_progress")
        async let second = here.request(.post, path, body: bytes, headers: [.sendOffset: "0"])
        #expect(await first.code == "upload_superseded")
        #expect(try await there.read(bytes.count, from: ids.there) == bytes)
        #expect(await second.headers[.sendOffset] == String(bytes.count))
        #expect(await here.request(.head, path).headers[.sendOffset] == String(bytes.count))
    }

    @Test func closingEndsAnUpload() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.receiveBufferBytes = 64 << 10
        endpoint.sendBufferBytes = 64 << 10
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode(endpoint: endpoint))
        let ids = try await here.connect(to: there)
        let path = "/v1/connections/\(ids.here)"
        async let upload = here.request(
            .post, path + "/data", body: [UInt8](repeating: 1, count: 1 << 20))
        try await eventually {
            let send = try await here.document(ids.here)["send"] as? [String: Any]
            return (send?["accepted_offset"] as? Int ?? 0) >= 64 << 10
        }
        #expect(await here.request(.delete, path + "?abort=true").status == .noContent)
        #expect(await upload.code == "connection_closed")
    }

    @Test func refusesSenselessParameters() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let path = "/v1/connections/\(try await here.connect(to: there).here)/data"
        for query in ["?until=later", "?wait=5s", "?offset=1"] {
            #expect(await here.post(path + query, "x").code == "invalid_parameter")
        }
    }
}
