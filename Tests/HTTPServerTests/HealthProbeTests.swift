import Foundation
import Glibc
import HTTPTypes
import Synchronization
import Testing

@testable import HTTPServer

/// The question of a health check, to real servers.
struct HealthProbeTests {
    private typealias Outcome = Result<HealthProbe.Answer, HealthProbeError>

    /// It blocks its thread, so it gets one.
    private static func ask(
        _ port: UInt16, tls: TLSConfiguration? = nil, host: String = "127.0.0.1",
        timeout: Duration = .seconds(60)
    ) async -> Outcome {
        let probe = HealthProbe(host: host, port: port, tls: tls, timeout: timeout)
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let outcome = Outcome { () throws(HealthProbeError) in try probe.get("/readyz") }
                continuation.resume(returning: outcome)
            }
        }
    }

    @Sendable private static func notReady(_ request: ServerRequest) async -> ServerResponse {
        let host = HTTPField.Name("Host").flatMap { request.headers[$0] } ?? ""
        var response = ServerResponse.text("\(request.path) \(host)")
        response.status = .serviceUnavailable
        return response
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0", "localhost"]) func tells(host: String) async throws {
        try await withServer(handler: Self.notReady) { server in
            let answer = try await Self.ask(server.port, host: host).get()
            #expect(answer.status == 503)
            let name = host == "localhost" ? host : "127.0.0.1"
            #expect(answer.body == "/readyz \(name):\(server.port)")
        }
    }

    /// Where clients need a certificate the server's own is enough to be heard, and makes nobody of
    /// whoever shows it.
    @Test(arguments: [false, true]) func tellsOverTLS(isMutual: Bool) async throws {
        try await withTLSServer(isMutual: isMutual) { request in
            .text(request.clientCertificate == nil ? "nobody" : "somebody")
        } _: { server, certificates in
            let own = TLSConfiguration(
                certificateFile: certificates.path("server.pem"),
                keyFile: certificates.path("server.key"))
            let answer = try await Self.ask(server.port, tls: own).get()
            #expect(answer == HealthProbe.Answer(status: 200, body: "nobody"))
            // Another certificate for the same name is another's.
            try certificates.issueServer("other", by: "authority")
            let other = TLSConfiguration(
                certificateFile: certificates.path("other.pem"),
                keyFile: certificates.path("other.key"))
            let outcome = await Self.ask(server.port, tls: other)
            if case .failure(.tls) = outcome { #expect(isMutual) } else { #expect(!isMutual) }
        }
    }

    @Test func nobodyListens() async throws {
        let port = try await withListener { $0 }
        guard case .failure(.cannotConnect) = await Self.ask(port) else {
            Issue.record("somebody answered")
            return
        }
    }

    /// Another program has taken the port: it never answers, says something else, or talks on and
    /// on.
    @Test(arguments: [
        ("", .timedOut), ("SSH-2.0-OpenSSH\r\n", .notHTTP),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 20_000), .notHTTP),
    ] as [(String, HealthProbeError)])
    func strangers(words: String, expected: HealthProbeError) async throws {
        let timeout: Duration = words.isEmpty ? .milliseconds(200) : .seconds(60)
        let outcome = try await withListener(saying: words) {
            await Self.ask($0, timeout: timeout)
        }
        #expect(outcome == .failure(expected))
    }

    /// Listens, and gives the first client the words, and the end if there were any.
    private func withListener<T: Sendable>(
        saying words: String = "", _ body: @Sendable (UInt16) async -> T
    ) async throws -> T {
        var configuration = HTTPServerConfiguration()
        (configuration.host, configuration.port) = ("127.0.0.1", 0)
        let listener = try ListeningSocket(configuration)
        defer { close(listener.descriptor) }
        if !words.isEmpty {
            Thread.detachNewThread {
                var ready = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&ready, 1, 60_000) == 1 else { return }
                let client = accept(listener.descriptor, nil, nil)
                let bytes = Array(words.utf8)
                _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                shutdown(client, Int32(SHUT_WR))
                // Without this what was not read would reset the connection.
                var rest = [UInt8](repeating: 0, count: 4096)
                while recv(client, &rest, rest.count, 0) > 0 {}
                close(client)
            }
        }
        return await body(listener.port)
    }
}
