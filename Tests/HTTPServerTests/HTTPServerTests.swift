import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct HTTPServerTests {
    @Test func requestReachesTheHandler() async throws {
        let seen = Mutex<ServerRequest?>(nil)
        try await withServer(handler: { request in
            seen.withLock { $0 = request }
            return ServerResponse(
                status: .created, headers: [.location: "/there"], body: Array("done".utf8))
        }) { server in
            let answer = try await Curl.run(
                "-i", "-X", "DELETE", "-H", "X-One: 1", "-H", "X-One: 2",
                server.url("/a%2Fb/c?x=%20y&z=a+b"))
            #expect(answer.hasPrefix("HTTP/1.1 201 Created\r\n"))
            #expect(answer.contains("\r\nLocation: /there\r\n"))
            #expect(answer.hasSuffix("\r\n\r\ndone"))
            let request = try #require(seen.withLock { $0 })
            #expect(request.method == .delete)
            #expect(request.segments == ["a/b", "c"])
            #expect(request.query.map(\.name) == ["x", "z"])
            #expect(request.query.map(\.value) == [" y", "a+b"])
            let name = try #require(HTTPField.Name("X-One"))
            #expect(request.headers[values: name] == ["1", "2"])
            #expect(request.remoteAddress.hasPrefix("127.0.0.1:"))
            #expect(request.body.declaredLength == 0)
        }
    }

    @Test func keepAlive() async throws {
        try await withServer(handler: { .text($0.path) }) { server in
            let answer = try await Curl.run(
                "-w", " %{num_connects};", server.url("/1"), server.url("/2"))
            #expect(answer == "/1 1;/2 0;")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer(handler: { .text("<\($0.path)>") }) { server in
            let client = try RawClient(server)
            let get = { (number: Int) in "GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n" }
            try await client.send(get(1) + get(2) + get(3))
            let answers = try await client.receive(until: "</3>")
            let first = try #require(answers.range(of: "</1>"))
            let second = try #require(answers.range(of: "</2>"))
            #expect(first.upperBound <= second.lowerBound)
        }
    }

    @Test func headHasTheLengthAndNoBody() async throws {
        try await withServer(handler: { _ in .text("twelve bytes") }) { server in
            let client = try RawClient(server)
            try await client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.contains("Content-Length: 12\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    /// RFC 9110 §8.6: what Content-Length says is the length of the 200 it stands for.
    @Test func notModifiedHasTheLengthAndNoBody() async throws {
        let response = ServerResponse(status: .notModified, body: Array("twelve bytes".utf8))
        try await withServer(handler: { $0.path == "/" ? response : .text("<next>") }) { server in
            let client = try RawClient(server)
            let requests = ["/", "/next"].map { "GET \($0) HTTP/1.1\r\nHost: h\r\n\r\n" }
            try await client.send(requests.joined())
            let answers = try await client.receive(until: "<next>")
            #expect(answers.contains("Content-Length: 12\r\n"))
            #expect(!answers.contains("twelve"))
        }
    }

    @Test func noContentHasNoLength() async throws {
        try await withServer(handler: { _ in ServerResponse(status: .noContent) }) { server in
            let answer = try await Curl.run("-i", server.url("/"))
            #expect(answer.hasPrefix("HTTP/1.1 204 "))
            #expect(!answer.contains("Content-Length"))
        }
    }

    @Test func largeAnswer() async throws {
        let body = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try await withServer(handler: { _ in ServerResponse(status: .ok, body: body) }) { server in
            let path = NSTemporaryDirectory() + "http-server-test-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            _ = try await Curl.run("-o", path, server.url("/"))
            #expect(FileManager.default.contents(atPath: path) == Data(body))
        }
    }

    @Test(arguments: [
        ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET /?a=%0 HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400"),
        (
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"
        ),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"),
    ])
    func malformedRequestIsRefused(request: String, status: String) async throws {
        let calls = Mutex(0)
        try await withServer(handler: { _ in
            calls.withLock { $0 += 1 }
            return .text("")
        }) { server in
            let client = try RawClient(server)
            try await client.send(request)
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(calls.withLock { $0 } == 0)
        }
    }

    @Test func headerThatDoesNotFitIsRefused() async throws {
        try await withServer(handler: { _ in .text("") }) { server in
            let long = "X: " + String(repeating: "x", count: 40_000)
            let answer = try await Curl.run(
                "-o", "/dev/null", "-w", "%{http_code}", "-H", long, server.url("/"))
            #expect(answer == "431" || answer == "413")
        }
    }

    @Test func garbageDoesNoHarm() async throws {
        let messages = Mutex<[String]>([])
        try await withServer({ configuration in
            configuration.log = { message in messages.withLock { $0.append(message) } }
        }, handler: { _ in .text("alive") }) { server in
            var generator = SystemRandomNumberGenerator()
            for count in [1, 10, 100, 1000, 100_000] {
                let client = try RawClient(server)
                // The server may close before all is sent.
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                try? await client.send(bytes)
                try? await client.send("\r\n\r\n\r\n\0\u{16}\u{3}\u{1}")
                client.shutdownSending()
                _ = try? await client.receive()
            }
            let answer = try await Curl.run(server.url("/"))
            #expect(answer == "alive")
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    @Test func connectionsBeyondTheLimitWait() async throws {
        try await withServer({ $0.maximumConnections = 2 }, handler: { _ in .text("ok") }) {
            server in
            let one = try RawClient(server)
            var two: RawClient? = try RawClient(server)
            let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            for client in [one, two].compactMap(\.self) {
                try await client.send(get)
                _ = try await client.receive(until: "ok")
            }
            let three = try RawClient(server)
            try await three.send(get)
            two = nil
            let received = try await three.receive(until: "ok")
            #expect(received.hasPrefix("HTTP/1.1 200 "))
            _ = one
        }
    }

    @Test func portInUse() async throws {
        try await withServer(handler: { _ in .text("") }) { server in
            var configuration = HTTPServerConfiguration()
            configuration.port = server.port
            let second = HTTPServer(configuration: configuration) { _ in .text("") }
            #expect(throws: HTTPServerError.addressInUse(host: "127.0.0.1", port: server.port)) {
                try second.start()
            }
            #expect(throws: HTTPServerError.alreadyStarted) { try server.start() }
        }
    }

    @Test(arguments: ["192.0.2.1", "not an address", ""]) func badAddress(host: String) {
        var configuration = HTTPServerConfiguration()
        configuration.host = host
        configuration.port = 0
        let server = HTTPServer(configuration: configuration) { _ in .text("") }
        #expect(throws: HTTPServerError.badAddress(host: host, port: 0)) { try server.start() }
    }

    @Test func ipv6() async throws {
        try await withServer({ $0.host = "::1" }, handler: { .text($0.remoteAddress) }) { server in
            #expect(server.host == "::1")
            let answer = try await Curl.run("-g", server.url("/"))
            #expect(answer.hasPrefix("[::1]:"))
        }
    }

    @Test func portIsFreeAfterStop() async throws {
        var port: UInt16 = 0
        try await withServer(handler: { _ in .text("one") }) { server in
            port = server.port
            let answer = try await Curl.run(server.url("/"))
            #expect(answer == "one")
            await server.stop(grace: .zero)
        }
        try await withServer({ $0.port = port }, handler: { _ in .text("two") }) { server in
            let answer = try await Curl.run(server.url("/"))
            #expect(answer == "two")
        }
    }

    @Test func statusThatCannotBeSentBecomes500() async throws {
        try await withServer(handler: { _ in ServerResponse(status: .continue) }) { server in
            let answer = try await Curl.run(
                "-o", "/dev/null", "-w", "%{http_code}", server.url("/"))
            #expect(answer == "500")
        }
    }

    @Test func silentConnectionIsClosed() async throws {
        try await withServer({ $0.idleTimeoutSeconds = 1 }, handler: { _ in .text("") }) { server in
            let client = try RawClient(server)
            try await client.send("GET / HT")
            #expect(try await client.receive() == "")
        }
    }
}
