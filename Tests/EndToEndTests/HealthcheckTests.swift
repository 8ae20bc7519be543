import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct HealthcheckTests {
        private func check(
            _ gateway: GatewayProcess, environment: [String: String] = [:]
        ) async throws -> (status: Int32, text: String) {
            let address = "127.0.0.1:\(gateway.httpPort)"
            let process = try GatewayProcess.launch(
                ["healthcheck", "--timeout", "1m"],
                environment: ["LRP2P_HTTP": address].merging(environment) { $1 })
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
    }
}
