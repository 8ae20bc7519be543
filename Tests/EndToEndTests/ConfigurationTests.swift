import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct ConfigurationTests {
        private let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
        }

        private func write(_ text: String) throws -> String {
            try directory.file("settings", content: Data(text.utf8), permissions: 0o600)
        }

        @Test("Flags over environment over file, in a gateway that runs")
        func precedence() async throws {
            let file = try write("""
                # Each address tells who has won.
                LRP2P_HTTP=127.0.0.1:0
                LRP2P_UDP=127.0.0.1:0
                LRP2P_KEY_FILE=\(directory.path("key"))
                LRP2P_LOG_FORMAT=json
                """)
            func udp(
                _ arguments: [String], _ environment: [String: String]
            ) async throws -> String {
                let process = try GatewayProcess.launch(arguments, environment: environment)
                let line = try await process.nextLine()
                let ready = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
                process.send(signal: SIGTERM)
                #expect(try await process.wait() == .status(0))
                #expect(process.errorText.hasPrefix("{"), "the file was read")
                #expect(try #require(ready["http"]).hasPrefix("127.0.0.1:"))
                return try #require(ready["udp"]?.split(separator: ":").first).description
            }
            #expect(try await udp(["--config", file], [:]) == "127.0.0.1")
            let environment = ["LRP2P_CONFIG": file, "LRP2P_UDP": "127.0.0.2:0"]
            #expect(try await udp([], environment) == "127.0.0.2")
            #expect(try await udp(["--udp", "127.0.0.3:0"], environment) == "127.0.0.3")
        }

        @Test("--print-config prints a file that sets the same, and nothing is started")
        func printConfig() async throws {
            func print(
                _ arguments: [String], _ environment: [String: String]
            ) async throws -> String {
                let process = try GatewayProcess.launch(
                    arguments + ["--print-config"], environment: environment)
                #expect(try await process.wait() == .status(0))
                #expect(process.errorText == "")
                return process.outputText
            }
            let key = directory.path("key")
            let first = try await print(
                ["--key-file", key, "--dial-deny", "10.0.0.0/8", "--dial-deny", "fd00::/8"],
                ["LRP2P_DRAIN_TIME": "7s", "LRP2P_BASE_PROTOCOL": "true"])
            #expect(first.contains("# flag --key-file\nLRP2P_KEY_FILE=\(key)\n"))
            #expect(first.contains("# environment LRP2P_DRAIN_TIME\nLRP2P_DRAIN_TIME=7s\n"))
            #expect(first.contains("LRP2P_DIAL_DENY=10.0.0.0/8,fd00::/8\n"))
            #expect(!FileManager.default.fileExists(atPath: key))
            let second = try await print(
                ["--config", try write(first)], ["LRP2P_DRAIN_TIME": ""])
            func settings(_ text: String) -> [Substring] {
                text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            }
            #expect(settings(second) == settings(first))
        }

        @Test("What is wrong is told with where it comes from, and status 64")
        func errors() async throws {
            let file = try write("LRP2P_LOG_LEVEL=loud\n")
            let typo = try directory.file(
                "typo", content: Data("\nLRP2P_HTPP=x".utf8), permissions: 0o600)
            let cases: [([String], [String: String], String)] = [
                (["--config", file], [:], "--log-level (from file \(file) line 1): \"loud\" has"),
                ([], ["LRP2P_SOCKETS": "0"], "--sockets (from environment LRP2P_SOCKETS): \"0\""),
                (["--config", typo], [:], "\(typo) line 2: there is no setting LRP2P_HTPP; is it"),
                ([], ["LRP2P_CONFIG": directory.path("none")], "cannot read the configuration"),
                (["--tls-key", "k"], [:], "--tls-key needs --tls-certificate too"),
            ]
            for (arguments, environment, text) in cases {
                let process = try GatewayProcess.launch(arguments, environment: environment)
                #expect(try await process.wait() == .status(64))
                let error = process.errorText
                #expect(error.hasPrefix("lrp2p-gateway: \(text)"), "\(error)")
                #expect(error.filter { $0 == "\n" }.count == 1)
            }
        }

        @Test("A misspelt variable is a warning that says what may have been meant")
        func misspelt() async throws {
            let gateway = try await GatewayProcess(environment: ["LRP2P_LOGLEVEL": "debug"])
            try await gateway.stop()
            let warning = "warning there is no setting LRP2P_LOGLEVEL; is it LRP2P_LOG_LEVEL?"
            #expect(gateway.process.errorText.contains(warning))
        }

        @Test("SIGHUP reads the file again: all that can change, or nothing of it")
        func reload() async throws {
            let file = try write("LRP2P_LOG_LEVEL=info")
            let gateway = try await GatewayProcess(["--config", file])
            func logged(_ text: String) async throws {
                try await eventually(text) { gateway.process.errorText.contains(text) }
            }
            func hangUp(_ text: String) throws {
                _ = try write(text)
                gateway.process.send(signal: SIGHUP)
            }
            _ = try await gateway.request("GET", "/healthz")
            try hangUp("LRP2P_LOG_LEVEL=debug\nLRP2P_HTTP=127.0.0.1:1\nLRP2P_SOCKETS=3")
            // The flag is above the file.
            try await logged(
                "configuration reloaded changed=LRP2P_LOG_LEVEL needs_restart=LRP2P_SOCKETS")
            #expect(!gateway.process.errorText.contains("debug request"))
            _ = try await gateway.request("GET", "/healthz")
            try await logged("debug request")

            try hangUp("LRP2P_LOG_LEVEL=error\nLRP2P_SOCKETS=many")
            try await logged("error configuration not reloaded, the old one stays")
            #expect(gateway.process.errorText.contains("\(file) line 2"))
            try hangUp("LRP2P_LOG_LEVEL=debug")
            try await logged("configuration reloaded changed=nothing")
            #expect(gateway.process.isRunning)
            try await gateway.stop()
        }
    }
}
