import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// HTTPS with real clients.
@Suite(.serialized) struct TLSTests {
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Sendable private static func describing(_ request: ServerRequest) async -> ServerResponse {
        .text("\(request.isSecure) \(request.clientCertificate == nil)")
    }

    @Test(arguments: ["1.2", "1.3"]) func answersOverEachVersion(version: String) async throws {
        try await withTLSServer(handler: Self.describing) { server, certificates in
            let url = server.secureURL()
            let answer = try await Curl.run(
                certificates.trusting + [
                    "--tlsv\(version)", "--tls-max", version, "-w", " %{num_connects};", url, url,
                ])
            #expect(answer == "true true 1;true true 0;")
        }
    }

    @Test func plainHTTPSaysSo() async throws {
        try await withServer(handler: Self.describing) { server in
            let answer = try await Curl.run(server.url("/"))
            #expect(answer == "false true")
            #expect(server.certificateExpiry == nil)
            #expect(throws: HTTPServerError.tlsNotInUse) { try server.reloadTLS() }
        }
    }

    @Test func headHasNoBody() async throws {
        try await withTLSServer(handler: Self.describing) { server, certificates in
            let answer = try await Curl.run(certificates.trusting + ["-I", server.secureURL()])
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("Content-Length: 9\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    /// With the weak ciphers that TLS 1.1 needs, a client comes through with 1.2, but not with 1.1.
    @Test func olderVersionsAreRefused() async throws {
        let calls = Mutex(0)
        try await withTLSServer(handler: { request in
            calls.withLock { $0 += 1 }
            return .text("")
        }) { server, certificates in
            let weak = certificates.trusting + ["--ciphers", "DEFAULT@SECLEVEL=0"]
            let old = try Curl(weak + ["--tlsv1.1", "--tls-max", "1.1", server.secureURL()])
            let status = await old.result.exitStatus
            #expect(status == 35)
            #expect(calls.withLock { $0 } == 0)
            _ = try await Curl.run(weak + ["--tlsv1.1", "--tls-max", "1.2", server.secureURL()])
            #expect(calls.withLock { $0 } == 1)
        }
    }

    @Test func applicationProtocolIsNegotiated() async throws {
        try await withTLSServer(handler: Self.describing) { server, _ in
            let client = try TLSClient(server.port, "-alpn", "h2,http/1.1", "-ign_eof")
            try client.send(Self.get.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n"))
            let text = await client.everything
            #expect(text.contains("ALPN protocol: http/1.1"))
            #expect(text.contains("true true"))
            let other = try TLSClient(server.port, "-alpn", "h2", "-ign_eof")
            let refusal = await other.everything
            #expect(!refusal.contains("ALPN protocol"))
            #expect(!refusal.contains("BEGIN CERTIFICATE"))
        }
    }

    @Test func plainHTTPOnTheTLSPortIsCutOff() async throws {
        try await withTLSServer(handler: Self.describing) { server, _ in
            let client = try RawClient(server)
            try await client.send(Self.get)
            let answer = try await client.receive()
            #expect(!answer.contains("HTTP"))
            #expect(server.requestsInProgress == 0)
        }
    }

    /// Neither one that says nothing nor one that goes on saying a little.
    @Test(arguments: [false, true]) func handshakeThatDoesNotEndIsCutOff(trickles: Bool)
        async throws
    {
        try await withTLSServer({ $0.idleTimeoutSeconds = 1 }, handler: Self.describing) {
            server, _ in
            let client = try RawClient(server)
            // The start of a record that is announced as 16,384 bytes long.
            try await client.send([22, 3, 1, 64, 0])
            if trickles {
                await #expect(throws: RawClient.Failure.self) {
                    for _ in 0..<1000 {
                        try await client.send([0])
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
            } else {
                let answer = try await client.receive()
                // An alert at most.
                #expect(answer.isEmpty || answer.hasPrefix("\u{15}"))
            }
        }
    }

    // MARK: Long-polls

    @Test func manyLongPolls() async throws {
        let gate = Gate()
        try await withTLSServer(handler: { _ in
            await gate.wait()
            return .text("now;")
        }) { server, certificates in
            let curl = try Curl(
                certificates.trusting + [
                    "--parallel", "--parallel-immediate", "--parallel-max", "200",
                    server.secureURL("/[1-200]"),
                ])
            try await eventually("all wait") { gate.waiting == 200 }
            gate.open()
            let result = await curl.result
            #expect(result.exitStatus == 0, Comment(rawValue: result.errors))
            #expect(result.output == String(repeating: "now;", count: 200))
        }
    }

    @Test(arguments: [true, false]) func clientThatLeavesCancelsItsHandler(orderly: Bool)
        async throws
    {
        let gate = Gate()
        try await withTLSServer(handler: { _ in
            await gate.wait()
            return .text("late")
        }) { server, certificates in
            if orderly {
                let client = try TLSClient(server.port)
                try client.send(Self.get)
                try await eventually("it waits") { gate.waiting == 1 }
                try client.close()
            } else {
                let curl = try Curl(certificates.trusting + [server.secureURL()])
                try await eventually("it waits") { gate.waiting == 1 }
                curl.kill()
            }
            try await eventually("the waiter is freed") { gate.waiting == 0 }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    @Test func stopAnswersWaiters() async throws {
        let gate = Gate()
        try await withTLSServer(handler: { _ in
            await gate.wait()
            return .text(Task.isCancelled ? "cancelled" : "opened")
        }) { server, certificates in
            let curl = try Curl(certificates.trusting + [server.secureURL()])
            try await eventually("it waits") { gate.waiting == 1 }
            await server.stop(grace: .seconds(30))
            let output = await curl.result.output
            #expect(output == "cancelled")
        }
    }

    // MARK: Bodies

    /// While the handler does not read, nothing overtakes: the sum tells.
    @Test(arguments: [[], ["-H", "Transfer-Encoding: chunked"]])
    func uploadIsHeldBackAndComplete(options: [String]) async throws {
        let gate = Gate()
        let largest = Mutex(0)
        try await withTLSServer(handler: { request in
            var checksum = Checksum()
            var pieces = 0
            while let piece = try? await request.body.next() {
                pieces += 1
                // With the buffer full behind it, the connection is suspended in mid record.
                if pieces == 2 { await gate.wait() }
                largest.withLock { $0 = max($0, piece.count) }
                checksum.add(piece)
            }
            return .text("\(checksum.value)")
        }) { server, certificates in
            try await withTemporaryFile(bytes: 12 << 20) { path, sum in
                let curl = try Curl(
                    certificates.trusting + options + ["-T", path, server.secureURL()])
                try await eventually("the reader pauses") { gate.waiting == 1 }
                gate.open()
                let result = await curl.result
                #expect(result.output == "\(sum)", Comment(rawValue: result.errors))
                #expect(largest.withLock { $0 } <= HTTPServerConfiguration().bodyBufferBytes)
            }
        }
    }

    @Test(arguments: [true, false]) func largeAnswer(isStreamed: Bool) async throws {
        let block = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let blocks = 384
        var checksum = Checksum()
        for _ in 0..<blocks { checksum.add(block) }
        let expected = checksum.value
        try await withTLSServer(handler: { _ in
            guard isStreamed else {
                return ServerResponse(
                    status: .ok, body: Array((0..<blocks).map { _ in block }.joined()))
            }
            let left = Mutex(blocks)
            return ServerResponse(status: .ok) {
                let index = left.withLock { left in
                    left -= 1
                    return left
                }
                if index.isMultiple(of: 7) { await Task.yield() }
                return index < 0 ? nil : block
            }
        }) { server, certificates in
            let path = certificates.path("answer")
            _ = try await Curl.run(certificates.trusting + ["-o", path, server.secureURL()])
            var received = Checksum()
            received.add(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
            #expect(received.value == expected)
        }
    }

    /// Answers that are given while the client is still sending.
    @Test(arguments: [true, false]) func earlyAnswerIsSeen(beforeTheBody: Bool) async throws {
        try await withTLSServer(handler: { request in
            if !beforeTheBody { _ = try? await request.body.next() }
            return .text("enough", status: .conflict)
        }) { server, certificates in
            try await withTemporaryFile(bytes: 16 << 20) { path, _ in
                let curl = try Curl(
                    certificates.trusting + [
                        "-H", "Expect:", "-w", " %{http_code}", "-T", path, server.secureURL(),
                    ])
                let result = await curl.result
                #expect(result.output == "enough 409", Comment(rawValue: result.errors))
            }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    /// A handler that gives up waiting answers on a thread that may not use the session: the
    /// connection ends, in order.
    @Test func bodyThatDoesNotComeEndsTheConnection() async throws {
        try await withTLSServer(handler: { request in
            do {
                _ = try await request.body.collect(
                    limit: .max, deadline: .now + .milliseconds(300))
                return .text("complete")
            } catch {
                return .text("\(error)", status: .requestTimeout)
            }
        }) { server, _ in
            let client = try TLSClient(server.port, "-ign_eof", "-msg")
            let head = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            try client.send(head + "2\r\nxx\r\n")
            let text = await client.everything
            #expect(!text.contains("HTTP/1.1 200 "))
            #expect(text.contains("<<< TLS 1.3, Alert [length 0002], warning close_notify"))
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    /// The end of TLS says that nothing was cut off.
    @Test func connectionEndsWithCloseNotify() async throws {
        try await withTLSServer(handler: Self.describing) { server, _ in
            for head in ["Connection: close\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
                let client = try TLSClient(server.port, "-ign_eof", "-msg")
                try client.send("PUT / HTTP/1.1\r\nHost: h\r\n" + head)
                let text = await client.everything
                #expect(text.contains("true true"))
                #expect(text.contains("<<< TLS 1.3, Alert [length 0002], warning close_notify"))
            }
        }
    }
}
