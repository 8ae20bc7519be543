import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct RequestBodyTests {
    /// Reads everything, slowly where told, and answers what arrived.
    @Sendable static func summing(_ request: ServerRequest) async -> ServerResponse {
        var checksum = Checksum()
        var count = 0
        do {
            while let piece = try await request.body.next() {
                checksum.add(piece)
                count += piece.count
            }
        } catch {
            return .text("\(error)", status: .badRequest)
        }
        return .text("\(count) \(checksum.value)")
    }

    @Test(arguments: [0, 1, 65_536, 5_000_000])
    func contentLength(count: Int) async throws {
        try await withServer(handler: Self.summing) { server in
            try await withTemporaryFile(bytes: count) { path, sum in
                let answer = try await Curl.run("-T", path, server.url("/"))
                #expect(answer == "\(count) \(sum)")
            }
        }
    }

    @Test(arguments: [1, 5_000_000])
    func chunked(count: Int) async throws {
        try await withServer(handler: Self.summing) { server in
            try await withTemporaryFile(bytes: count) { path, sum in
                let answer = try await Curl.run(
                    "-T", path, "-H", "Transfer-Encoding: chunked", server.url("/"))
                #expect(answer == "\(count) \(sum)")
            }
        }
    }

    @Test func slowReaderHoldsBackTheClient() async throws {
        let body = [UInt8](repeating: 7, count: 48 << 20)
        let largest = Mutex(0)
        let isPaused = Gate()
        try await withServer(handler: { request in
            var received = 0
            do {
                while let piece = try await request.body.next() {
                    received += piece.count
                    largest.withLock { $0 = max($0, piece.count) }
                    if isPaused.waiting == 0, received == piece.count { await isPaused.wait() }
                }
            } catch {
                return .text("\(error)", status: .badRequest)
            }
            return .text("received \(received)")
        }) { server in
            let client = try RawClient(server)
            try await client.send(
                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.count)\r\n\r\n")
            let accepted = try await client.sendUntilBlocked(body)
            // One buffer in the server; the rest waits in the kernel's two socket buffers.
            #expect(accepted < 32 << 20)
            isPaused.open()
            try await client.send(Array(body[accepted...]))
            let answer = try await client.receive(until: "received \(body.count)")
            #expect(answer.contains("200 OK"))
            #expect(largest.withLock { $0 } <= HTTPServerConfiguration().bodyBufferBytes)
        }
    }

    @Test(arguments: [true, false]) func emptyChunkedBody(inOnePacket: Bool) async throws {
        try await withServer(handler: Self.summing) { server in
            let client = try RawClient(server)
            let head = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            if inOnePacket {
                try await client.send(head + "0\r\n\r\n")
            } else {
                try await client.send(head)
                try await eventually("the request is there") { server.requestsInProgress == 1 }
                try await client.send("0\r\n\r\n")
            }
            let answer = try await client.receive(until: "\(Checksum().value)")
            #expect(answer.contains("0 \(Checksum().value)"))
        }
    }

    @Test func collectStopsAtItsLimit() async throws {
        try await withServer(handler: { request in
            do {
                return .text("\(try await request.body.collect(limit: 100).count)")
            } catch {
                return .text("\(error)", status: .contentTooLarge)
            }
        }) { server in
            let url = server.url("/")
            let exact = String(repeating: "x", count: 100)
            let fitting = try await Curl.run("--data", exact, url)
            #expect(fitting == "100")
            let tooLong = try await Curl.run("--data", exact + "x", url)
            #expect(tooLong == "tooLong(limit: 100)")
            let chunked = try await Curl.run(
                "-H", "Transfer-Encoding: chunked", "--data", exact + "x", url)
            #expect(chunked == "tooLong(limit: 100)")
        }
    }

    @Test(arguments: [true, false])
    func clientLeavesInMidUpload(withReset: Bool) async throws {
        let outcome = Mutex<RequestBodyError?>(nil)
        let hasBegun = Gate()
        try await withServer(handler: { request in
            do throws(RequestBodyError) {
                while let _ = try await request.body.next() { hasBegun.open() }
            } catch {
                outcome.withLock { $0 = error }
            }
            return .text("")
        }) { server in
            do {
                let client = try RawClient(server)
                try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
                await hasBegun.wait()
                if withReset { client.resetOnClose() }
            }
            try await eventually("the handler learns of it") { outcome.withLock { $0 } != nil }
            #expect(outcome.withLock { $0 } == .aborted)
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }
}
