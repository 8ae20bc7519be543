import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct LifecycleTests {
        @Test("A signal answers every waiter and ends with status 0", arguments: [SIGTERM, SIGINT])
        func signals(signal: Int32) async throws {
            let pair = try await Pair()
            let waiting = try (0..<20).map { index in
                let client = try TCPClient(port: pair.b.httpPort)
                let target = index % 2 == 0 ? pair.dataB : "/v1/accept"
                try client.write("GET", "\(target)?wait=60s")
                return client
            }
            try await pair.b.waitForPolls(waiting.count)
            let start = ContinuousClock.now
            try await pair.b.stop(signal: signal)
            // 5 s is the promise; the rest is for a busy machine.
            #expect(ContinuousClock.now - start < .seconds(15))
            for client in waiting {
                let answer = try await onThread { try client.readAnswer() }
                #expect([204, 503].contains(answer.status))
            }
            try await pair.a.stop()
        }

        @Test("A peer that was killed ends by idle timeout: Stream-Closed")
        func killedPeer() async throws {
            let pair = try await Pair(["--idle-timeout", "2s"])
            _ = try await pair.a.request(
                "POST", "\(pair.dataA)?until=acknowledged", body: Array("last words".utf8))
            pair.a.process.send(signal: SIGKILL)
            #expect(try await pair.a.process.wait() == .signal(SIGKILL))

            let first = try await pair.b.request("GET", "\(pair.dataB)?wait=60s")
            #expect(first.text == "last words")
            #expect(first["Stream-Closed"] == nil)
            let next: String = try #require(first["Next-Offset"])
            let end = try await pair.b.request("GET", "\(pair.dataB)?wait=60s&ack=\(next)")
            #expect(end.status == 204)
            #expect(end["Stream-Closed"] == "true")
            let document = try await pair.b.connection(pair.idB)
            #expect(document.state == "closed")
            #expect(document.closeReason == "idle_timeout")
            let late = try await pair.b.request("POST", pair.dataB, body: [1])
            #expect(late.status == 409)
            try await pair.b.stop()
        }

        @Test("A peer that closes says so: Stream-Closed at once", arguments: [true, false])
        func closedPeer(byShutdown: Bool) async throws {
            let pair = try await Pair(["--idle-timeout", "never"])
            _ = try await pair.a.request(
                "POST", "\(pair.dataA)?until=acknowledged", body: Array("last words".utf8))
            if byShutdown {
                try await pair.a.stop()
            } else {
                let gone = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)")
                #expect(gone.status == 204)
            }
            try await eventually("B knows") {
                try await pair.b.connection(pair.idB).closeReason == "reset"
            }
            #expect(try await pair.b.connection(pair.idB).receive.finished)
            let end = try await pair.b.request("GET", "\(pair.dataB)?wait=60s")
            #expect(end.text == "last words")
            #expect(end["Stream-Closed"] == "true")
            if !byShutdown { try await pair.a.stop() }
            try await pair.b.stop()
        }

        @Test("Keepalives hold a silent connection beyond the idle timeout")
        func keepalive() async throws {
            let pair = try await Pair(["--idle-timeout", "4s", "--keepalive", "250ms"])
            // 24 of them take 6 s.
            for (gateway, id) in [(pair.a, pair.idA), (pair.b, pair.idB)] {
                try await eventually("24 keepalives received") {
                    try await gateway.connection(id).transport.packetsReceived >= 24
                }
            }
            #expect(try await pair.a.connection(pair.idA).state == "open")
            #expect(try await pair.b.connection(pair.idB).state == "open")
            try await pair.stop()
        }

        @Test("HTTP on IPv6, and where others reach it only when that is asked for")
        func httpAddresses() async throws {
            for (http, more) in [("[::1]:0", []), ("0.0.0.0:0", ["--insecure-http"])] {
                let gateway = try await GatewayProcess(more, http: http)
                let url = gateway.base.replacing("0.0.0.0", with: "127.0.0.1") + "/healthz"
                #expect(try await Curl.run("-g", url).status == 200)
                try await gateway.stop()
            }
        }

        @Test("A port in use is one clear line and a failure")
        func portInUse() async throws {
            let running = try await GatewayProcess()
            let directory = try TemporaryDirectory()
            let key = ["--key-file", directory.path("key")]
            let http = "127.0.0.1:\(running.httpPort)"
            try await expectRefusal(
                ["--http", http, "--udp", "127.0.0.1:0"] + key, mentions: "\(running.httpPort)")
            try await expectRefusal(
                ["--http", "127.0.0.1:0", "--udp", running.udp] + key,
                mentions: "\(running.udpPort)")
            try await running.stop()
        }

        @Test("A bad key file is one clear line and a failure")
        func keyFile() async throws {
            let directory = try TemporaryDirectory()
            let open = try directory.file("open", content: Data(count: 32), permissions: 0o644)
            let short = try directory.file("short", content: Data(count: 5), permissions: 0o600)
            for path in [open, short, directory.url.path, "\(open)/key"] {
                try await expectRefusal(
                    ["--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--key-file", path],
                    mentions: path)
            }
        }

        /// As in a container, whose file system should be read-only: `/sys` takes nothing from root
        /// either.
        @Test(
            "Where nothing can be written it is said what to mount",
            arguments: [["--key-file", "/sys/lrp2p/key"], ["--data-dir", "/sys/lrp2p"]])
        func readOnly(arguments: [String]) async throws {
            let directory = try TemporaryDirectory()
            var all = ["--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"] + arguments
            if arguments[0] != "--key-file" { all += ["--key-file", directory.path("key")] }
            let process = try GatewayProcess.launch(all)
            #expect(try await process.wait() == .status(74))
            #expect(process.errorText.contains("docker run -v lrp2p:/sys/lrp2p"))
        }

        @Test(
            "A bad option is one clear line and a failure",
            arguments: [
                ["--http", "127.0.0.1"], ["--http", "0.0.0.0:0"], ["--udp", "nowhere"],
                ["--idle-timeout", "soon"], ["--log-level", "loud"], ["--receive-buffer", "1"],
                ["--congestion-control", "reno"], ["--memory-budget", "1"],
                ["--max-datagram", "70000"], ["--application-protocol", ""],
                ["--no-such-option"],
            ])
        func options(arguments: [String]) async throws {
            try await expectRefusal(arguments, mentions: arguments[0])
        }

        @Test("--help and --version answer and succeed", arguments: ["--help", "--version"])
        func information(option: String) async throws {
            let process = try GatewayProcess.launch([option])
            #expect(try await process.wait() == .status(0))
            #expect(!process.outputText.isEmpty)
        }

        @Test("The identity is made once, private, and kept")
        func identity() async throws {
            let directory = try TemporaryDirectory()
            let path = directory.path("kept")
            let first = try await GatewayProcess(keyFile: path)
            try await first.stop()
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let second = try await GatewayProcess(keyFile: path)
            #expect(second.peerID == first.peerID)
            try await second.stop()
            let other = try await GatewayProcess()
            #expect(other.peerID != first.peerID)
            try await other.stop()
        }

        @Test("IPv6 peers")
        func ipv6() async throws {
            let a = try await GatewayProcess(udp: "[::1]:0")
            let b = try await GatewayProcess(udp: "[::1]:0")
            let pair = try await Pair(a, b, address: b.udp)
            _ = try await a.request("POST", pair.dataA, body: Array("six".utf8))
            #expect(try await b.read(pair.idB, count: 3) == Array("six".utf8))
            try await pair.stop()
        }

        private func expectRefusal(_ arguments: [String], mentions text: String) async throws {
            let process = try GatewayProcess.launch(arguments)
            let exit = try await process.wait()
            guard case .status(let code) = exit, code != 0 else {
                Issue.record("\(arguments) ended with \(exit)")
                return
            }
            #expect(process.outputText == "")
            let lines = process.errorText.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 2 && lines[1] == "", "\(process.errorText)")
            #expect(lines[0].contains(text), "\(process.errorText)")
        }
    }
}
