import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// What a client sees at each limit.
@Suite struct LimitTests {
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func headerThatTricklesIsCutOff() async throws {
        let calls = Mutex(0)
        try await withServer({ $0.headerTimeoutSeconds = 1 }, handler: { _ in
            calls.withLock { $0 += 1 }
            return .text("")
        }) { server in
            let client = try RawClient(server)
            let patient = try RawClient(server)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n")
            // Never silent for long, and never done.
            await #expect(throws: RawClient.Failure.self) {
                for number in 0..<1000 {
                    try await client.send("X-\(number): y\r\n")
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            #expect(calls.withLock { $0 } == 0)
            // One that says nothing is only idle.
            try await patient.send(Self.get)
            #expect(try await patient.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func connectionsAreCounted() async throws {
        try await withServer(handler: { _ in .text("ok") }) { server in
            #expect(server.connectionCount == 0)
            var clients: [RawClient] = []
            for count in 1...3 {
                clients.append(try RawClient(server))
                try await clients[count - 1].send(Self.get)
                _ = try await clients[count - 1].receive(until: "ok")
                #expect(server.connectionCount == count)
            }
            clients.removeLast(2)
            try await eventually("two have left") { server.connectionCount == 1 }
        }
    }

    @Test func laterHeaderThatTricklesIsCutOff() async throws {
        try await withServer({ $0.headerTimeoutSeconds = 1 }, handler: { _ in .text("ok") }) {
            server in
            let client = try RawClient(server)
            try await client.send(Self.get)
            _ = try await client.receive(until: "ok")
            await #expect(throws: RawClient.Failure.self) {
                for byte in "GET / HTTP/1.1\r\nHost: " + String(repeating: "h", count: 1000) {
                    try await client.send(String(byte))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }
    }

    /// The header's time does not run while the handler waits or the body arrives.
    @Test func slowRequestIsNoSlowHeader() async throws {
        try await withServer({ $0.headerTimeoutSeconds = 1 }, handler: { request in
            .text("\((try? await request.body.collect(limit: 100))?.count ?? -1)")
        }) { server in
            let client = try RawClient(server)
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n")
            for _ in 0..<30 {
                try await client.send("x")
                try await Task.sleep(for: .milliseconds(70))
            }
            #expect(try await client.receive(until: "\r\n\r\n30").hasSuffix("30"))
        }
    }

    @Test func connectionsOfOneAddress() async throws {
        try await withServer({ $0.maximumConnectionsPerAddress = 2 }, handler: { _ in
            .text("ok")
        }) { server in
            var clients = try (0..<2).map { _ in try RawClient(server) }
            for client in clients {
                try await client.send(Self.get)
                _ = try await client.receive(until: "ok")
            }
            // 52: closed without an answer; 56: reset.
            let refused = await (try Curl([server.url("/")])).result
            #expect([52, 56].contains(refused.exitStatus))
            clients = []
            try await eventually("there is room again") {
                await (try Curl([server.url("/")])).result.output == "ok"
            }
        }
    }

    /// A client that holds back the end of a body that is collected whole.
    @Test(arguments: ["Content-Length: 99", "Content-Length: 9999999", "Transfer-Encoding: chunked"])
    func bodyThatTricklesIsAnswered(framing: String) async throws {
        try await withServer(handler: { request in
            do throws(RequestBodyError) {
                let body = try await request.body.collect(
                    limit: .max, deadline: .now + .milliseconds(300))
                return .text("\(body.count)")
            } catch {
                return .text("\(error)", status: .requestTimeout)
            }
        }) { server in
            let client = try RawClient(server)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n2\r\nxx\r\n")
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.hasSuffix("\r\n\r\ntimedOut"))
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    @Test func unknownExpectationIsRefused() async throws {
        try await withServer(handler: { _ in .text("") }) { server in
            let client = try RawClient(server)
            try await client.send(
                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 200-maybe\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 417 "))
            #expect(answer.contains("100-continue"))
        }
    }

    /// curl tells how much of the body it has sent.
    @Test func refusedUploadIsNotSent() async throws {
        try await withServer(handler: EarlyAnswerTests.refusing) { server in
            try await withTemporaryFile(bytes: 4 << 20) { path, _ in
                let answer = try await Curl.run(
                    "-H", "Expect: 100-continue", "--expect100-timeout", "50",
                    "-w", " %{http_code} %{size_upload}", "-T", path, server.url("/"))
                #expect(answer == "no thanks 413 0")
            }
        }
    }

    /// libmicrohttpd answers these itself, before there is a request for us.
    @Test(arguments: [
        ("GET /" + String(repeating: "x", count: 40_000) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "x", count: 40_000)
                + "\r\n\r\n", 431
        ),
    ])
    func whatDoesNotFitTheMemory(request: String, status: Int) async throws {
        try await withServer(handler: { _ in .text("") }) { server in
            let client = try RawClient(server)
            try? await client.send(request)
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.hasSuffix("</html>"))
        }
    }
}
