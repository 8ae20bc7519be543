import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct LogTests {
        @Test("JSON logs are an object a line, whatever clients send")
        func json() async throws {
            let pair = try await Pair(["--log-format", "json", "--log-level", "trace"])
            for path in ["/v1/node", "/%00%0a%22%ff%5c", "/v1/connections/x%e2%80%a8y"] {
                _ = try await pair.a.request("GET", path, headers: ["Origin": "\"\\\u{7f}é"])
            }
            try await pair.stop()
            let lines = pair.a.process.errorText.split(separator: "\n")
            #expect(lines.count > 5)
            var messages: Set<String> = []
            for line in lines {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let members = try #require(object as? [String: Any])
                let time = try #require(members["time"] as? String)
                let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
                #expect(try abs(Date(time, strategy: format).timeIntervalSinceNow) < 600)
                #expect(members["level"] is String && members["label"] is String)
                messages.insert(try #require(members["message"] as? String))
                if members["message"] as? String == "connection opened" {
                    #expect(members["connection"] as? String == pair.idA)
                    #expect(members["peer"] as? String == pair.b.peerID)
                }
            }
            for message in ["ready", "request", "connection opened", "shutting down", "stopped"] {
                #expect(messages.contains(message))
            }
        }

        @Test("A log that nobody reads stops nobody")
        func fullPipe() async throws {
            let directory = try TemporaryDirectory()
            let path = directory.path("log")
            #expect(mkfifo(path, 0o600) == 0)
            // Open for reading too, so that the gateway gets it open, and never read.
            let pipe = open(path, O_RDWR | O_CLOEXEC)
            try #require(pipe >= 0)
            defer { close(pipe) }
            // F_SETPIPE_SZ of <fcntl.h>, which Swift does not see.
            #expect(fcntl(pipe, 1031, 4096) == 4096)
            let gateway = try await GatewayProcess(["--log-level", "debug"], standardError: path)
            for _ in 0..<100 {
                #expect(try await gateway.request("GET", "/healthz").status == 200)
            }
            // Some 15 kB of log for a pipe of 4 kB: it is full, and the rest waits.
            var waiting: Int32 = 0
            #expect(ioctl(pipe, UInt(FIONREAD), &waiting) == 0)
            #expect(waiting > 3000)
            try await gateway.stop()
        }
    }
}
