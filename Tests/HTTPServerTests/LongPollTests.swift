import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Requests whose handlers wait.
@Suite(.serialized) struct LongPollTests {
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func waitersCostNoThreads() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            await gate.wait()
            return .text("now")
        }) { server in
            // One request first, so that the pool's threads exist.
            let first = try RawClient(server)
            try await first.send(Self.get)
            try await eventually("the first waits") { gate.waiting == 1 }
            let before = try threadCount()
            let clients = try (0..<500).map { _ in try RawClient(server) }
            for client in clients { try await client.send(Self.get) }
            try await eventually("all wait") { gate.waiting == 501 }
            // Other tests run in this process: what is ruled out is a thread for each waiter.
            #expect(try threadCount() < before + 50)
            gate.open()
            for client in clients {
                let answer = try await client.receive(until: "now")
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
            let answer = try await first.receive(until: "now")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func killedClientCancelsItsHandler() async throws {
        let gate = Gate()
        let wasCancelled = Mutex(false)
        try await withServer(handler: { _ in
            await gate.wait()
            wasCancelled.withLock { $0 = Task.isCancelled }
            return .text("late")
        }) { server in
            let curl = try Curl([server.url("/")])
            try await eventually("it waits") { gate.waiting == 1 }
            curl.kill()
            try await eventually("the waiter is freed") { gate.waiting == 0 }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
            #expect(wasCancelled.withLock { $0 })
        }
    }

    @Test func resetCancelsTheHandlerThatHasNotReadTheBody() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            await gate.wait()
            return .text("late")
        }) { server in
            do {
                let client = try RawClient(server)
                try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n")
                try await eventually("it waits") { gate.waiting == 1 }
                client.resetOnClose()
            }
            try await eventually("the waiter is freed") { gate.waiting == 0 }
            try await eventually("nothing is left") { server.requestsInProgress == 0 }
        }
    }

    /// `nc -N`: the request is complete and the client only closes its sending side.
    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"])
    func halfClosedClientIsAnswered(request: String) async throws {
        try await withServer(handler: { request in
            let body = try? await request.body.collect(limit: 100)
            return .text("body of \(body?.count ?? -1)")
        }) { server in
            let client = try RawClient(server)
            try await client.send(request.replacing("1.1\r\n", with: "1.1\r\nHost: h\r\n"))
            client.shutdownSending()
            let answer = try await client.receive()
            #expect(answer.hasSuffix("body of \(request.hasPrefix("GET") ? 0 : 4)"))
        }
    }

    @Test func stopCancelsAndAnswersWaiters() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            await gate.wait()
            return .text(Task.isCancelled ? "cancelled" : "opened")
        }) { server in
            let clients = try (0..<50).map { _ in try RawClient(server) }
            for client in clients { try await client.send(Self.get) }
            try await eventually("all wait") { gate.waiting == 50 }
            await server.stop(grace: .seconds(30))
            for client in clients {
                let answer = try await client.receive()
                #expect(answer.hasSuffix("cancelled"))
                #expect(answer.contains("Connection: close"))
            }
            #expect(throws: RawClient.Failure.self) { try RawClient(server) }
        }
    }

    @Test func stopAnswersForHandlersThatDoNot() async throws {
        let started = Gate()
        let end = Gate()
        try await withServer(handler: { _ in
            started.open()
            // A task of its own does not see the cancellation.
            await Task.detached { await end.wait() }.value
            return .text("never seen")
        }) { server in
            let client = try RawClient(server)
            try await client.send(Self.get)
            await started.wait()
            async let one: Void = server.stop(grace: .milliseconds(10))
            async let other: Void = server.stop(grace: .seconds(30))
            _ = await (one, other)
            let answer = try await client.receive()
            #expect(answer.hasPrefix("HTTP/1.1 503 "))
            end.open()
        }
    }

    @Test func stopEndsUploads() async throws {
        let outcome = Mutex<RequestBodyError?>(nil)
        let begun = Gate()
        try await withServer(handler: { request in
            do throws(RequestBodyError) {
                while let _ = try await request.body.next() { begun.open() }
            } catch {
                outcome.withLock { $0 = error }
            }
            return .text("stopped", status: .serviceUnavailable)
        }) { server in
            let client = try RawClient(server)
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
            await begun.wait()
            await server.stop(grace: .milliseconds(10))
            #expect(outcome.withLock { $0 } == .serverStopping)
        }
    }
}
