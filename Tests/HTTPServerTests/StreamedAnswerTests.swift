import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Answers that are made while they are sent.
@Suite(.serialized) struct StreamedAnswerTests {
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    private struct Broken: Error {}

    /// Counts from 1 in lines, up to `count`, then ends as told.
    private static func counting(to count: Int, fails: Bool = false) -> ServerResponse {
        let last = Mutex(0)
        return ServerResponse(status: .ok, body: Array("0\n".utf8)) {
            let number = last.withLock { last in
                last += 1
                return last
            }
            if number > count, fails { throw Broken() }
            // Now and then one that comes later, so that the connection is suspended.
            if number % 3 == 0 { await Task.yield() }
            return number > count ? nil : Array("\(number)\n".utf8)
        }
    }

    private static func lines(to count: Int) -> String {
        (0...count).map { "\($0)\n" }.joined()
    }

    @Test(arguments: [0, 1, 5000]) func piecesArriveInOrder(count: Int) async throws {
        try await withServer(handler: { _ in Self.counting(to: count) }) { server in
            let answer = try await Curl.run(
                "-N", "-w", "%{num_connects};", server.url("/"), server.url("/"))
            #expect(answer == Self.lines(to: count) + "1;" + Self.lines(to: count) + "0;")
        }
    }

    @Test func answerIsChunked() async throws {
        try await withServer(handler: { _ in Self.counting(to: 1) }) { server in
            let client = try RawClient(server)
            try await client.send(Self.get)
            let answer = try await client.receive(until: "0\r\n\r\n")
            #expect(answer.contains("\r\nTransfer-Encoding: chunked\r\n"))
            #expect(!answer.contains("Content-Length"))
            #expect(answer.hasSuffix("\r\n\r\n2\r\n0\n\r\n2\r\n1\n\r\n0\r\n\r\n"))
        }
    }

    @Test func eachPieceLeavesBeforeTheNextIsThere() async throws {
        let gate = Gate()
        let calls = Mutex(0)
        try await withServer(handler: { _ in
            ServerResponse(status: .ok) {
                let call = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if call == 2 { await gate.wait() }
                return call == 3 ? nil : Array("piece \(call)".utf8)
            }
        }) { server in
            let client = try RawClient(server)
            try await client.send(Self.get)
            let first = try await client.receive(until: "piece 1\r\n")
            #expect(first.hasPrefix("HTTP/1.1 200 "))
            try await eventually("the stream waits") { gate.waiting == 1 }
            gate.open()
            let rest = try await client.receive(until: "\r\n0\r\n\r\n")
            #expect(rest.contains("piece 2"))
        }
    }

    @Test func toHTTP10ItEndsWithTheConnection() async throws {
        try await withServer(handler: { _ in Self.counting(to: 100) }) { server in
            let answer = try await Curl.run("-0", "-i", server.url("/"))
            #expect(answer.hasSuffix("\r\n\r\n" + Self.lines(to: 100)))
            #expect(!answer.contains("Transfer-Encoding"))
        }
    }

    @Test(arguments: ["HEAD", "GET"]) func withoutBodyNothingIsStreamed(method: String) async throws {
        let calls = Mutex(0)
        try await withServer(handler: { request in
            ServerResponse(status: request.method == .head ? .ok : .noContent) {
                calls.withLock { $0 += 1 }
                return nil
            }
        }) { server in
            let client = try RawClient(server)
            try await client.send("\(method) / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 20"))
            #expect(answer.hasSuffix("\r\n\r\n"))
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
            #expect(calls.withLock { $0 } == 0)
        }
    }

    /// 18: the transfer was cut short. 56: the connection was reset, all that HTTP/1.0 can see.
    @Test(arguments: [("--http1.1", 18), ("--http1.0", 56)])
    func errorBreaksTheConnectionOff(version: String, status: Int32) async throws {
        try await withServer(handler: { _ in Self.counting(to: 3, fails: true) }) { server in
            let result = await (try Curl(["-N", version, server.url("/")])).result
            #expect(result.exitStatus == status, Comment(rawValue: result.errors))
            #expect(result.output == Self.lines(to: 3) || version == "--http1.0")
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    @Test func clientThatDoesNotReadStopsTheProducer() async throws {
        let made = Mutex(0)
        let size = 64 << 10
        let total = 1024
        try await withServer(handler: { _ in
            ServerResponse(status: .ok) {
                let number = made.withLock { made in
                    made += 1
                    return made
                }
                return number > total ? nil : [UInt8](repeating: 0x78, count: size)
            }
        }) { server in
            let client = try RawClient(server)
            try await client.send(Self.get)
            // What was made goes into the two socket buffers, and then no more is made.
            var last = -1
            try await eventually("the producer stands still") {
                let now = made.withLock { $0 }
                defer { last = now }
                return now > 0 && now == last
            }
            #expect(made.withLock { $0 } * size < 32 << 20)
            try await client.skip(total * size)
            _ = try await client.receive(until: "\r\n0\r\n\r\n")
            #expect(made.withLock { $0 } == total + 1)
        }
    }

    @Test(arguments: [true, false]) func leavingCancelsAStreamThatWaits(kills: Bool) async throws {
        let gate = Gate()
        let wasCancelled = Mutex(false)
        try await withServer(handler: { _ in
            ServerResponse(status: .ok, body: Array("begun".utf8)) {
                await gate.wait()
                wasCancelled.withLock { $0 = Task.isCancelled }
                return Task.isCancelled ? nil : []
            }
        }) { server in
            if kills {
                let curl = try Curl(["-N", server.url("/")])
                try await eventually("it waits") { gate.waiting == 1 }
                curl.kill()
            } else {
                let client = try RawClient(server)
                try await client.send(Self.get)
                _ = try await client.receive(until: "begun")
                try await eventually("it waits") { gate.waiting == 1 }
                // As `nc -N` does: it sees an orderly end.
                client.shutdownSending()
                let rest = try await client.receive(until: "0\r\n\r\n")
                #expect(rest.hasSuffix("0\r\n\r\n"))
            }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
            #expect(wasCancelled.withLock { $0 })
        }
    }

    @Test func leavingCancelsAStreamThatIsHeldBack() async throws {
        let isEnded = Gate()
        try await withServer(handler: { _ in
            let guardian = Guardian { isEnded.open() }
            return ServerResponse(status: .ok) {
                _ = guardian
                return [UInt8](repeating: 0x78, count: 1 << 20)
            }
        }) { server in
            do {
                let client = try RawClient(server)
                try await client.send(Self.get)
                _ = try await client.receive(until: "xxx")
            }
            await isEnded.wait()
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    @Test func waitingStreamsCostNoThreads() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            let isFirst = Mutex(true)
            return ServerResponse(status: .ok, body: Array("begun".utf8)) {
                let isFirst = isFirst.withLock { isFirst in
                    defer { isFirst = false }
                    return isFirst
                }
                guard isFirst else { return nil }
                await gate.wait()
                return Array("opened".utf8)
            }
        }) { server in
            let before = try threadCount()
            let clients = try (0..<500).map { _ in try RawClient(server) }
            for client in clients { try await client.send(Self.get) }
            try await eventually("all wait") { gate.waiting == 500 }
            #expect(try threadCount() < before + 50)
            gate.open()
            for client in clients {
                let answer = try await client.receive(until: "\r\n0\r\n\r\n")
                #expect(answer.contains("opened"))
            }
        }
    }

    @Test func stopLetsStreamsEndInOrder() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            let isLast = Mutex(false)
            return ServerResponse(status: .ok) {
                if isLast.withLock({ $0 }) { return nil }
                await gate.wait()
                isLast.withLock { $0 = Task.isCancelled }
                return Array("bye".utf8)
            }
        }) { server in
            let curls = try (0..<20).map { _ in try Curl(["-N", server.url("/")]) }
            try await eventually("all wait") { gate.waiting == 20 }
            await server.stop(grace: .seconds(30))
            for curl in curls {
                let result = await curl.result
                #expect(result.exitStatus == 0, Comment(rawValue: result.errors))
                #expect(result.output == "bye")
            }
        }
    }

    @Test func stopBreaksOffStreamsThatGoOn() async throws {
        let begun = Gate()
        let end = Gate()
        try await withServer(handler: { _ in
            ServerResponse(status: .ok, body: Array("begun".utf8)) {
                begun.open()
                await Task.detached { await end.wait() }.value
                return nil
            }
        }) { server in
            let curl = try Curl(["-N", server.url("/")])
            await begun.wait()
            await server.stop(grace: .milliseconds(10))
            let result = await curl.result
            #expect(result.exitStatus == 18)
            #expect(result.output == "begun")
            end.open()
        }
    }

    @Test func streamedAnswerBeforeTheBody() async throws {
        try await withServer(handler: { _ in Self.counting(to: 100) }) { server in
            try await withTemporaryFile(bytes: 16 << 20) { path, _ in
                let curl = try Curl(["-N", "-T", path, server.url("/")])
                #expect(await curl.result.output == Self.lines(to: 100))
            }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }
}

/// Tells when what holds it is gone.
private final class Guardian: Sendable {
    private let end: @Sendable () -> Void
    init(_ end: @escaping @Sendable () -> Void) { self.end = end }
    deinit { end() }
}
