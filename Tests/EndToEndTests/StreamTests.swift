import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// Answers without end, taken by `curl -N`.
    @Suite struct StreamTests {
        private static let events = ["-H", "Accept: text/event-stream"]

        /// `curl` with what it gets on its standard output.
        private func follow(_ arguments: [String]) throws -> ChildProcess {
            try ChildProcess("curl", ["-q", "-sS", "-N"] + arguments)
        }

        private func streamB(_ pair: Pair) -> String {
            "\(pair.b.base)/v1/connections/\(pair.idB)/stream"
        }

        /// The next event; comments are skipped.
        private func event(_ curl: ChildProcess) async throws -> [String: String] {
            var fields: [String: String] = [:]
            while true {
                let line = try await curl.nextLine()
                if line.isEmpty, fields["event"] != nil { return fields }
                guard let colon = line.firstRange(of: ": "), colon.lowerBound != line.startIndex
                else { continue }
                fields[String(line[..<colon.lowerBound])] = String(line[colon.upperBound...])
            }
        }

        private func object(_ event: [String: String]) throws -> [String: Any] {
            let data = try #require(event["data"])
            let value = try JSONSerialization.jsonObject(with: Data(data.utf8))
            return try #require(value as? [String: Any])
        }

        @Test("A file through one endless answer, which ends with it")
        func wholeFile() async throws {
            let pair = try await Pair()
            let directory = try TemporaryDirectory()
            let (path, content) = try directory.randomFile("sent", bytes: Products.transferBytes)
            let target = directory.path("received")
            let curl = try follow(["-o", target, streamB(pair) + "?auto_ack=true"])
            try await pair.b.waitForPolls(1)
            let upload = try await Curl.run("-T", path, "\(pair.a.base)\(pair.dataA)")
            #expect(upload.status == 200)
            let end = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)?drain=30s")
            #expect(end.status == 204)
            #expect(try await curl.wait(within: .seconds(300)) == .status(0), "\(curl.errorText)")
            #expect(try Data(contentsOf: URL(filePath: target)) == content)
            try await pair.b.waitForPolls(0)
            try await pair.stop()
        }

        @Test("A curl that stands still stops the peer, and nothing is lost")
        func slowClient() async throws {
            let pair = try await Pair(["--receive-buffer", "256KiB", "--send-buffer", "256KiB"])
            let directory = try TemporaryDirectory()
            let (path, content) = try directory.randomFile("sent", bytes: 64 << 20)
            let target = directory.path("received")
            let curl = try follow(["-o", target, streamB(pair) + "?auto_ack=true"])
            try await pair.b.waitForPolls(1)
            curl.send(signal: SIGSTOP)
            let upload = try Curl(["-T", path, "\(pair.a.base)\(pair.dataA)"])
            // What the kernel takes for the client, and not a byte more.
            var before: UInt64 = 0
            try await eventually("the upload stands still") {
                try await Task.sleep(for: .milliseconds(500))
                let accepted = try await pair.a.connection(pair.idA).send.acceptedOffset
                defer { before = accepted }
                return accepted > 0 && accepted == before
            }
            #expect(before < UInt64(content.count / 2))
            curl.send(signal: SIGCONT)
            #expect(try await upload.answer().status == 200)
            _ = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)?drain=30s")
            #expect(try await curl.wait(within: .seconds(300)) == .status(0), "\(curl.errorText)")
            #expect(try Data(contentsOf: URL(filePath: target)) == content)
            try await pair.stop()
        }

        @Test("Server-Sent Events, broken off and resumed where they were")
        func resumedEvents() async throws {
            let pair = try await Pair()
            let first = try follow(Self.events + [streamB(pair)])
            #expect(try await first.nextLine() == "retry: 2000")
            _ = try await pair.a.request("POST", pair.dataA, body: Array("one".utf8))
            let one = try await event(first)
            #expect(one["event"] == "data")
            #expect(try object(one)["base64"] as? String == "b25l")
            let id = try #require(one["id"])
            first.send(signal: SIGKILL)
            #expect(try await first.wait() == .signal(SIGKILL))
            try await pair.b.waitForPolls(0)

            _ = try await pair.a.request("POST", pair.dataA, body: Array("two".utf8))
            let second = try follow(
                Self.events + ["-H", "Last-Event-ID: \(id)", streamB(pair)])
            let two = try await event(second)
            #expect(try object(two)["offset"] as? String == id)
            #expect(try object(two)["base64"] as? String == "dHdv")
            _ = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)?drain=30s")
            let end = try await event(second)
            #expect(end["event"] == "end" && end["id"] == two["id"])
            #expect(try await second.wait() == .status(0))
            try await pair.stop()
        }

        @Test("What other readers free breaks it off, so that the client can tell")
        func brokenOff() async throws {
            let pair = try await Pair()
            let directory = try TemporaryDirectory()
            let curl = try follow(["-o", directory.path("received"), streamB(pair)])
            try await pair.b.waitForPolls(1)
            curl.send(signal: SIGSTOP)
            let (path, _) = try directory.randomFile("sent", bytes: 64 << 20)
            let upload = try Curl(["-T", path, "\(pair.a.base)\(pair.dataA)"])
            // Another reader takes all of it, while this one stands still.
            _ = try await pair.b.read(pair.idB, count: 64 << 20)
            #expect(try await upload.answer().status == 200)
            curl.send(signal: SIGCONT)
            // 18: the transfer was cut short.
            #expect(try await curl.wait() == .status(18), "\(curl.errorText)")
            try await pair.stop()
        }

        @Test("When the gateway stops, streams end in order")
        func stop() async throws {
            let pair = try await Pair()
            let bytes = try follow([streamB(pair)])
            let events = try follow(Self.events + ["\(pair.b.base)/v1/events"])
            try await pair.b.waitForPolls(2)
            _ = try await pair.a.request("POST", pair.dataA, body: Array("last\n".utf8))
            #expect(try await bytes.nextLine() == "last")
            try await pair.b.stop()
            #expect(try await bytes.wait() == .status(0), "\(bytes.errorText)")
            #expect(try await events.wait() == .status(0), "\(events.errorText)")
            try await pair.a.stop()
        }

        @Test("What happens to connections, as Server-Sent Events and by long-poll")
        func connectionEvents() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let now = try await a.request("GET", "/v1/events")
            #expect(now.status == 204)
            let after = try #require(now["Next-After"])
            let curl = try follow(Self.events + ["\(b.base)/v1/events"])
            try await b.waitForPolls(1)
            let id = try await a.connect(to: b.udp).id
            let connected = try await event(curl)
            #expect(connected["event"] == "connected")
            #expect(try object(connected)["peer"] as? String == a.peerID)
            #expect(try object(connected)["direction"] as? String == "inbound")
            _ = try await a.request("POST", "/v1/connections/\(id)/data", body: Array("x".utf8))
            let data = try await event(curl)
            #expect(data["event"] == "data")
            let there = try #require(try object(data)["connection"] as? String)
            #expect(try await b.read(there, count: 1) == Array("x".utf8))
            _ = try await a.request("DELETE", "/v1/connections/\(id)?abort=true")
            let closed = try await event(curl)
            #expect(closed["event"] == "closed")
            #expect(try object(closed)["close_reason"] as? String == "reset")

            var types: [String] = []
            var next = after
            while types.last != "closed" {
                let answer = try await Curl.run("\(a.base)/v1/events?wait=60s&after=\(next)")
                try #require(answer.status == 200)
                let page = try JSONSerialization.jsonObject(with: Data(answer.body))
                let document = try #require(page as? [String: Any])
                let events = try #require(document["events"] as? [[String: Any]])
                types += events.compactMap { $0["type"] as? String }
                next = try #require(document["next_after"] as? String)
            }
            #expect(types == ["connected", "closed"])
            try await a.stop()
            try await b.stop()
        }
    }
}
