import Foundation
import HTTPServer
import HTTPTypes
import Synchronization
import Testing

@testable import GatewayClient

@Suite struct GatewayClientTests {
    private static let problem = """
        {"type":"about:blank","title":"Gone","status":410,"detail":"It is gone.",\
        "code":"offset_trimmed","retryable":false,"acknowledged_offset":7}
        """

    @Test func aProblemIsToldInTheGatewaysWords() async throws {
        let error = try await failure { _ in
            ServerResponse(status: .gone, body: Array(Self.problem.utf8))
        }
        let expected = Problem(
            status: 410, detail: "It is gone.", code: "offset_trimmed", acknowledgedOffset: 7)
        #expect(error == .problem(expected))
        #expect(error?.isTransient == false)
    }

    @Test func whatIsNoGatewayIsFoundOut() async throws {
        let missing = try await failure { _ in ServerResponse(status: .notFound) }
        #expect(missing == .notAGateway(status: 404))
        let page = try await failure { _ in
            ServerResponse(status: .ok, body: Array("<html>".utf8))
        }
        #expect(page == .notAGateway(status: 200))
        // Nor is a redirect followed.
        let elsewhere = try await failure { _ in
            ServerResponse(status: .found, headers: [.location: "/v1/node"])
        }
        #expect(elsewhere == .notAGateway(status: 302))
    }

    @Test func anAnswerThatIsTooLongIsNotKept() async throws {
        let error = try await failure(configure: { $0.maximumDocumentBytes = 1000 }) { _ in
            ServerResponse(status: .ok, body: [UInt8](repeating: 0x20, count: 1001))
        }
        #expect(error == .notAGateway(status: 200))
    }

    @Test func aGatewayThatIsSilentIsGivenUp() async throws {
        let error = try await failure(configure: { $0.silence = .milliseconds(300) }) { _ in
            // Until the client leaves.
            try? await Task.sleep(for: .seconds(600))
            return ServerResponse(status: .ok)
        }
        #expect(error == .silent)
        #expect(error?.isTransient == true)
    }

    @Test func aTransferEndsWhenItIsNotWantedAnyMore() async throws {
        let error = try await failure(keepsGoing: { false }) { _ in
            try? await Task.sleep(for: .seconds(600))
            return ServerResponse(status: .ok)
        }
        #expect(error == .cancelled)
    }

    @Test func nobodyListens() throws {
        // A port that only root could listen on, and nobody does.
        var configuration = GatewayClientConfiguration(url: "http://127.0.0.1:1")
        configuration.connectTime = .seconds(30)
        let client = try GatewayClient(configuration)
        #expect { _ = try client.node() } throws: {
            if case .unreachable = $0 as? GatewayClientError { true } else { false }
        }
    }

    @Test(arguments: ["", "127.0.0.1:80", "ftp://127.0.0.1", "file:///etc/passwd"])
    func onlyHTTPIsSpoken(url: String) {
        #expect(throws: GatewayClientError.self) {
            try GatewayClient(GatewayClientConfiguration(url: url))
        }
    }

    @Test(arguments: ["a b", "a\r\nX-Evil: 1", "ü"])
    func aTokenCannotAddHeaderFields(token: String) {
        var configuration = GatewayClientConfiguration()
        configuration.token = token
        #expect(throws: GatewayClientError.self) { try GatewayClient(configuration) }
    }

    @Test func theTokenAndTheBytesArrive() async throws {
        let seen = Mutex<(path: String, headers: HTTPFields, body: [UInt8])?>(nil)
        let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await withGateway { request in
            let bytes = try? await request.body.collect(
                limit: 1 << 24, deadline: .now + .seconds(60))
            seen.withLock { $0 = (request.path, request.headers, bytes ?? []) }
            return ServerResponse(
                status: .ok,
                body: Array(#"{"accepted_offset":5000007,"acknowledged_offset":3}"#.utf8))
        } _: { url in
            var configuration = GatewayClientConfiguration(url: url)
            configuration.token = "secret"
            let receipt = try GatewayClient(configuration).send(body[...], at: 7, on: "c1")
            #expect(receipt == UploadReceipt(acceptedOffset: 5_000_007, acknowledgedOffset: 3))
        }
        let request = try #require(seen.withLock { $0 })
        #expect(request.path == "/v1/connections/c1/data" && request.body == body)
        #expect(request.headers[.authorization] == "Bearer secret")
        #expect(request.headers[HTTPField.Name("Send-Offset")!] == "7")
        #expect(request.headers[.userAgent] == "lrp2p/\(ClientVersion.current)")
    }

    @Test func parametersAreEncoded() async throws {
        let seen = Mutex<[String: String]>([:])
        try await withGateway { request in
            seen.withLock { $0 = Dictionary(request.query.map { ($0.name, $0.value) }) { $1 } }
            return ServerResponse(status: .noContent)
        } _: { url in
            let client = try GatewayClient(GatewayClientConfiguration(url: url))
            let none = try client.accept(name: "a&b=ü +%", wait: .milliseconds(1500))
            #expect(none == nil)
        }
        #expect(seen.withLock { $0 } == ["name": "a&b=ü +%", "wait": "1500ms"])
    }

    // MARK: A gateway of the test's own

    private func failure(
        configure: @escaping @Sendable (inout GatewayClientConfiguration) -> Void = { _ in },
        keepsGoing: @escaping @Sendable () -> Bool = { true },
        _ handler: @escaping Handler
    ) async throws -> GatewayClientError? {
        let result = Mutex<GatewayClientError?>(nil)
        try await withGateway(handler) { url in
            var configuration = GatewayClientConfiguration(url: url)
            configure(&configuration)
            let client = try GatewayClient(configuration)
            client.keepsGoing = keepsGoing
            do throws(GatewayClientError) {
                _ = try client.node()
            } catch {
                result.withLock { $0 = error }
            }
        }
        return result.withLock { $0 }
    }

    /// The client waits on a thread of its own.
    private func withGateway(
        _ handler: @escaping Handler, _ body: @escaping @Sendable (String) throws -> Void
    ) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(configuration: configuration, handler: handler)
        try server.start()
        let url = "http://\(server.host):\(server.port)/"
        let result = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Result { try body(url) })
            }
        }
        await server.stop(grace: .zero)
        try result.get()
    }
}
