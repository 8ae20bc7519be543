import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct DrainTests {
        /// Begins a drain and waits until it has begun.
        private func drain(_ gateway: GatewayProcess) async throws {
            gateway.process.send(signal: SIGTERM)
            try await eventually("not ready") {
                try await gateway.request("GET", "/readyz").status == 503
            }
        }

        @Test("While it drains, what is open is served and nothing new; with the last it is over")
        func grace() async throws {
            // Nobody waits for it to pass.
            let pair = try await Pair(["--drain-time", "10m"])
            let (a, b) = (pair.a, pair.b)
            let waiting = try TCPClient(port: a.httpPort)
            try waiting.write("GET", "\(pair.dataA)?wait=60s")
            try await a.waitForPolls(1)
            try await drain(a)

            let sent = try await a.request(
                "POST", "\(pair.dataA)?until=acknowledged", body: Array("to b".utf8))
            #expect(sent.status == 200)
            #expect(try await b.read(pair.idB, count: 4) == Array("to b".utf8))
            _ = try await b.request("POST", pair.dataB, body: Array("to a".utf8))
            #expect(try await onThread { try waiting.readAnswer() }.text == "to a")

            let connect = try await a.request(
                "POST", "/v1/connections", headers: ["Content-Type": "application/json"],
                body: Array(#"{"address":"\#(b.udp)"}"#.utf8))
            #expect(connect.status == 503)
            #expect(connect["Retry-After"] != nil)
            #expect(try connect.decode(ProblemDocument.self).code == "shutting_down")
            let inVain = try await b.connect(to: a.udp)
            try await eventually("refused") {
                try await b.connection(inVain.id).closeReason == "reset"
            }

            // It is no end, and no reload either.
            a.process.send(signal: SIGHUP)
            #expect(try await a.request("GET", "/healthz").status == 200)
            let gone = try await a.request("DELETE", "/v1/connections/\(pair.idA)")
            #expect(gone.status == 204)
            #expect(try await a.process.wait() == .status(0))
            #expect(!a.process.errorText.contains("reloaded"))
            b.process.send(signal: SIGTERM)
            #expect(try await b.process.wait() == .status(0))
        }

        @Test("It is over when its time has passed, with waiters answered")
        func timePasses() async throws {
            let pair = try await Pair(["--drain-time", "300ms"])
            let waiting = try TCPClient(port: pair.b.httpPort)
            try waiting.write("GET", "\(pair.dataB)?wait=60s")
            try await pair.b.waitForPolls(1)
            let start = ContinuousClock.now
            try await pair.b.stop()
            #expect(ContinuousClock.now - start > .milliseconds(300))
            #expect([204, 503].contains(try await onThread { try waiting.readAnswer() }.status))
            // With its last connection gone there is nothing to wait for.
            try await pair.a.stop()
        }

        @Test("What was accepted just before the signal arrives, and its end")
        func flush() async throws {
            let pair = try await Pair()
            let bytes = (0..<(256 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            async let received = pair.b.download(pair.dataB, bytes: bytes.count)
            let sent = try await pair.a.request("POST", pair.dataA, body: bytes)
            #expect(sent.status == 200)
            try await pair.a.stop()
            #expect(try await Array(received) == bytes)
            let document = try await pair.b.connection(pair.idB)
            #expect(document.receive.finished)
            #expect(document.receive.receivedOffset == UInt64(bytes.count))
            try await pair.b.stop()
        }

        @Test("What cannot be delivered is told, with status 75")
        func undelivered() async throws {
            let pair = try await Pair()
            // It acknowledges nothing any more.
            pair.b.process.send(signal: SIGSTOP)
            let sent = try await pair.a.request("POST", pair.dataA, body: Array("lost".utf8))
            #expect(sent.status == 200)
            pair.a.process.send(signal: SIGTERM)
            #expect(try await pair.a.process.wait() == .status(75))
            let log = pair.a.process.errorText
            let told = "some peers did not get everything bytes=4 connections=1"
            #expect(log.contains(told), "\(log)")
            pair.b.process.send(signal: SIGCONT)
            pair.b.process.send(signal: SIGKILL)
            #expect(try await pair.b.process.wait() == .signal(SIGKILL))
        }

        @Test("A second signal ends it at once, with status 130")
        func secondSignal() async throws {
            let pair = try await Pair(["--drain-time", "10m"])
            try await drain(pair.a)
            pair.a.process.send(signal: SIGINT)
            #expect(try await pair.a.process.wait() == .status(130))
            pair.b.process.send(signal: SIGKILL)
            #expect(try await pair.b.process.wait() == .signal(SIGKILL))
        }
    }
}
