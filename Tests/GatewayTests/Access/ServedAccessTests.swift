import Foundation
import HTTPServer
import HTTPTypes
import LRP2P
import ProcessSupport
import Testing

@testable import Gateway

/// Access as a client of a real HTTP server meets it.
@Suite struct ServedAccessTests {
    private struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String

        func problem() throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(body.utf8))
            return try #require(object as? [String: Any])
        }
    }

    private func serve(
        _ access: AccessConfiguration, _ body: (_ url: String, Gateway) async throws -> Void
    ) async throws {
        let node = try TestNode(access: access)
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        configuration.errorResponse = Gateway.errorResponse
        let server = HTTPServer(configuration: configuration) { await node.gateway.handle($0) }
        try server.start()
        node.gateway.serverStarted(port: server.port)
        do {
            try await body("http://127.0.0.1:\(server.port)", node.gateway)
        } catch {
            await server.stop(grace: .zero)
            throw error
        }
        await server.stop(grace: .zero)
    }

    private func curl(_ arguments: String...) async throws -> Answer {
        let options = ["--silent", "--show-error", "--include", "--max-time", "60"]
        let process = try ChildProcess("curl", options + arguments)
        #expect(try await process.wait() == .status(0), "\(process.errorText)")
        let text = process.outputText
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.components(separatedBy: ": ")
            headers[pair[0].lowercased()] = pair.dropFirst().joined(separator: ": ")
        }
        let status = lines[0].components(separatedBy: " ").dropFirst().first.flatMap { Int($0) }
        return Answer(
            status: try #require(status, "\(text)"), headers: headers,
            body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    @Test func tokensByCurl() async throws {
        try await serve(TestTokens.configuration()) { url, gateway in
            let none = try await curl("\(url)/v1/node")
            #expect(none.status == 401)
            #expect(none.headers["www-authenticate"] == "Bearer realm=\"lrp2p-gateway\"")
            #expect(
                try none.problem()["request_id"] as? String == none.headers["request-id"])
            let token = "Authorization: Bearer \(TestTokens.read)"
            #expect(try await curl("-H", token, "\(url)/v1/node").status == 200)
            let scope = try await curl("-H", token, "-d", "{}", "\(url)/v1/connections")
            #expect(scope.status == 403)
            #expect(try scope.problem()["code"] as? String == "insufficient_scope")
            // An upload that is refused need not be sent.
            let upload = try await curl(
                "-H", token, "-H", "Expect: 100-continue", "-X", "POST", "--data-binary",
                "@/bin/sh", "\(url)/v1/connections/x/data")
            #expect(upload.status == 403)
            // A token that is taken back is of no use from then on.
            gateway.reload(AccessConfiguration())
            #expect(try await curl("\(url)/v1/node").status == 200)
            gateway.reload(try TestTokens.configuration())
            #expect(try await curl("\(url)/v1/node").status == 401)
        }
    }

    @Test func theServersOwnAnswersHaveARequestID() async throws {
        try await serve(AccessConfiguration()) { url, _ in
            let malformed = try await curl("--path-as-is", "--request-target", "/%zz", "\(url)/")
            #expect(malformed.status == 400)
            #expect(try malformed.problem()["code"] as? String == "malformed_request")
            #expect(
                try malformed.problem()["request_id"] as? String
                    == malformed.headers["request-id"])
            let mine = try await curl("-H", "X-Request-Id: mine-1", "\(url)/nothing")
            #expect(mine.headers["request-id"] == "mine-1")
        }
    }

    @Test func thePortOfTheServerIsNotDialled() async throws {
        try await serve(AccessConfiguration()) { url, _ in
            let port = try #require(url.split(separator: ":").last)
            for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::ffff:127.0.0.1]"] {
                let answer = try await curl(
                    "-d", #"{"address":"\#(host):\#(port)"}"#, "\(url)/v1/connections?wait=5s")
                #expect(answer.status == 403, "\(host)")
                #expect(try answer.problem()["code"] as? String == "dial_not_allowed")
            }
        }
    }

    @Test func ratesByCurl() async throws {
        var access = AccessConfiguration()
        access.rates.requestsPerSecond = 0.01
        access.rates.burst = 2
        try await serve(access) { url, _ in
            for _ in 0..<2 { #expect(try await curl("\(url)/healthz").status == 200) }
            let limited = try await curl("\(url)/healthz")
            #expect(limited.status == 429)
            let seconds = try #require(limited.headers["retry-after"].flatMap { Int($0) })
            #expect((40...100).contains(seconds))
        }
    }
}
