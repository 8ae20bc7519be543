import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Handlers that answer before they have read the body.
@Suite struct EarlyAnswerTests {
    private static let head = "PUT / HTTP/1.1\r\nHost: h\r\n"

    @Sendable static func refusing(_ request: ServerRequest) async -> ServerResponse {
        .text("no thanks", status: .contentTooLarge)
    }

    @Test func shortBodyKeepsTheConnection() async throws {
        try await withServer(handler: Self.refusing) { server in
            try await withTemporaryFile(bytes: 50_000) { path, _ in
                let answer = try await Curl.run(
                    "-H", "Expect:", "-w", " %{http_code} %{num_connects};",
                    "-T", path, server.url("/1"), "-o", "-", "-T", path, server.url("/2"))
                #expect(answer == "no thanks 413 1;no thanks 413 0;")
            }
        }
    }

    @Test(arguments: [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"]])
    func longBodyStillSeesTheAnswer(options: [String]) async throws {
        try await withServer(handler: Self.refusing) { server in
            try await withTemporaryFile(bytes: 16 << 20) { path, _ in
                let curl = try Curl(options + ["-w", " %{http_code}", "-T", path, server.url("/")])
                let output = await curl.result.output
                #expect(output == "no thanks 413")
            }
        }
    }

    @Test func expectContinueIsAnsweredWithoutTheBody() async throws {
        try await withServer(handler: Self.refusing) { server in
            let client = try RawClient(server)
            try await client.send(
                Self.head + "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(!answer.contains("100 Continue"))
        }
    }

    @Test func expectContinueGoesOnWhenTheBodyIsWanted() async throws {
        try await withServer(handler: RequestBodyTests.summing) { server in
            let client = try RawClient(server)
            try await client.send(Self.head + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            let interim = try await client.receive(until: "\r\n\r\n")
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("body")
            var checksum = Checksum()
            checksum.add(Array("body".utf8))
            let answer = try await client.receive(until: "\(checksum.value)")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func answerInMidUploadComesAfterTheRestIsDrained() async throws {
        try await withServer(handler: { request in
            _ = try? await request.body.next()
            return .text("enough", status: .conflict)
        }) { server in
            try await withTemporaryFile(bytes: 900_000) { path, _ in
                let answer = try await Curl.run(
                    "-w", " %{http_code} %{num_connects};", "-T", path, server.url("/1"),
                    "-o", "-", "-T", path, server.url("/2"))
                #expect(answer == "enough 409 1;enough 409 0;")
            }
        }
    }

    @Test func answerInMidUploadBeyondTheDrainLimit() async throws {
        try await withServer(handler: { request in
            _ = try? await request.body.next()
            return .text("enough", status: .conflict)
        }) { server in
            try await withTemporaryFile(bytes: 64 << 20) { path, _ in
                let curl = try Curl(["-w", " %{http_code}", "-T", path, server.url("/")])
                let result = await curl.result
                #expect(result.output == "enough 409", Comment(rawValue: result.errors))
            }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    /// A client that never reads its answer and never stops sending is let go.
    @Test func endlessBodyIsCutOff() async throws {
        try await withServer({ $0.lingerSeconds = 1 }, handler: Self.refusing) { server in
            let client = try RawClient(server)
            try await client.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
            await #expect(throws: RawClient.Failure.self) {
                for _ in 0..<100_000 { try await client.send(chunk) }
            }
        }
    }
}
