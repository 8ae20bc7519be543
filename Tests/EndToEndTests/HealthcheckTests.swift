import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct HealthcheckTests {
        private func check(
            _ gateway: GatewayProcess, _ arguments: [String] = []
        ) async throws -> (status: Int32, text: String) {
            try await check("127.0.0.1:\(gateway.httpPort)", arguments)
        }

        private func check(
            _ address: String, _ arguments: [String] = []
        ) async throws -> (status: Int32, text: String) {
            let process = try GatewayProcess.launch(
                ["healthcheck", "--timeout", "1m"] + arguments,
                environment: ["LRP2P_HTTP": address])
            guard case .status(let status) = try await process.wait() else { return (-1, "") }
            #expect(process.outputText == "")
            return (status, process.errorText)
        }

        @Test("It knows a gateway that is ready, one that drains, and none")
        func plain() async throws {
            let pair = try await Pair(["--drain-time", "10m"])
            #expect(try await check(pair.a) == (0, ""))
            pair.a.process.send(signal: SIGTERM)
            try await eventually("not ready") {
                try await pair.a.request("GET", "/readyz").status == 503
            }
            let draining = try await check(pair.a)
            #expect(draining.status == 1)
            #expect(draining.text.contains("shutting_down"))
            pair.a.process.send(signal: SIGTERM)
            #expect(try await pair.a.process.wait() == .status(130))
            let gone = try await check(pair.a)
            #expect(gone.status == 1)
            #expect(gone.text.contains("Connection refused"))
            pair.b.process.send(signal: SIGKILL)
        }

        @Test("Where clients need a certificate the gateway's own will do, and its own alone")
        func mutualTLS() async throws {
            let own = try await ServerCertificate(days: 10)
            let clients = try await ServerCertificate(days: 10)
            let options = own.options + ["--tls-client-ca", clients.path]
            let gateway = try await GatewayProcess(options)
            #expect(try await check(gateway, options) == (0, ""))
            // It is heard as anybody is, not as a client.
            let secure = "https://127.0.0.1:\(gateway.httpPort)"
            let asItself = ["-k", "--cert", own.path, "--key", own.options[3]]
            #expect(try await Curl(asItself + ["\(secure)/readyz"]).answer().status == 200)
            let node = try await Curl(asItself + ["\(secure)/v1/node"]).answer()
            #expect(node.status == 403)
            #expect(try node.decode(ProblemDocument.self).code == "certificate_required")

            // Another one for the same name is another's, until it is the gateway's.
            try await own.renew(days: 20)
            #expect(try await check(gateway, options).status == 1)
            gateway.process.send(signal: SIGHUP)
            try await eventually("ready") { try await check(gateway, options).status == 0 }
            try await gateway.stop()
        }

        @Test(
            "Settings with which nobody can be asked say so",
            arguments: [("127.0.0.1:0", "name one"), ("nowhere", "has to be")])
        func settings(address: String, text: String) async throws {
            let result = try await check(address)
            #expect(result.status == 1)
            #expect(result.text.contains(text) && result.text.contains("--http"))
        }
    }
}
