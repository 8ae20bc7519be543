import HTTPServer
import HTTPTypes
import LRP2P
import Logging
import TestSupport
import Testing

@testable import Gateway

@Suite struct AuditTests {
    @Test func aLineForEachChange() async throws {
        let log = RecordedLog()
        let there = try TestNode()
        let here = try TestNode(access: TestTokens.configuration(), log: log)
        let headers = HTTPFields.bearer(TestTokens.all)
        let created = await here.request(
            .post, "/v1/connections", body: Array(#"{"address":"\#(there.address)"}"#.utf8),
            headers: headers)
        let id = try #require(try created.object()["id"] as? String)
        let line = try #require(log.lines.last { $0.message == "audit" })
        #expect(line.label == "audit" && line.level == .notice)
        #expect(
            line.metadata == [
                "by": "token", "who": "admin", "address": "127.0.0.1", "method": "POST",
                "route": "/v1/connections", "status": "201", "outcome": "done",
                "connection": id, "peer": there.peer, "target": there.address,
                "request_id": try #require(created.headers[.requestID]),
            ])
        _ = await here.request(
            .post, "/v1/connections/\(id)/data", body: [1], headers: headers)
        #expect(log.audit.last?["route"] == "/v1/connections/{id}/data")
        #expect(log.audit.last?["peer"] == there.peer)
        _ = await here.request(.delete, "/v1/connections/\(id)?abort=true", headers: headers)
        #expect(log.audit.last?["method"] == "DELETE" && log.audit.last?["status"] == "204")
        #expect(log.audit.count == 3)
    }

    @Test func aLineForEachRefusal() async throws {
        let log = RecordedLog()
        let node = try TestNode(access: TestTokens.configuration(), log: log)
        let post = { (headers: HTTPFields) in
            await node.request(.post, "/v1/connections", headers: headers)
        }
        for (headers, code, who) in [
            ([:], "token_required", nil),
            (.bearer("wrong-0123456789"), "invalid_token", nil),
            (.bearer(TestTokens.read), "insufficient_scope", "reader"),
            ([.host: "evil.example"], "host_not_allowed", nil),
        ] as [(HTTPFields, String, String?)] {
            _ = await post(headers)
            let line = try #require(log.audit.last)
            #expect(line["outcome"] == "refused" && line["code"] == code, "\(code)")
            #expect(line["who"] == who)
            #expect(line["address"] == "127.0.0.1")
        }
        // A handler that refuses is a change that failed.
        _ = await post(.bearer(TestTokens.all))
        #expect(log.audit.last?["outcome"] == "failed")
        #expect(log.audit.last?["code"] == "malformed_json")
    }

    @Test func readingLeavesNone() async throws {
        let log = RecordedLog()
        let (here, there) = (try TestNode(log: log), try TestNode())
        let id = try await here.connect(to: there).here
        let before = log.audit.count
        for path in ["/v1/node", "/metrics", "/v1/connections/\(id)/data?auto_ack=true"] {
            _ = await here.get(path)
            _ = await here.request(.head, path)
        }
        _ = await here.post("/nothing", "")
        #expect(log.audit.count == before)
        _ = await here.post("/v1/connections/\(id)/ack", "")
        #expect(log.audit.count == before + 1)
    }

    /// In virtual time.
    @Test func strangersCannotFillIt() {
        let log = RecordedLog()
        let audit = AuditLog(log.logger)
        let start = ContinuousClock.now
        let refuse = { (now: ContinuousClock.Instant) in
            let context = RequestContext(id: "x", address: ClientAddress("192.0.2.1:1"))
            context.note { $0.isRefused = true }
            audit.record(method: .post, route: "/", status: 401, context, now: now)
        }
        for _ in 0..<1000 { refuse(start) }
        #expect(log.audit.count == 100)
        refuse(start + .milliseconds(200))
        #expect(log.audit.count == 101)
        #expect(log.audit.last?["suppressed"] == "900")
        // Who is let through is always told about.
        for _ in 0..<500 {
            let context = RequestContext(id: "x", address: ClientAddress("192.0.2.1:1"))
            context.note { $0.hasReachedHandler = true }
            audit.record(method: .post, route: "/", status: 200, context, now: start)
        }
        #expect(log.audit.count == 601)
    }

    /// There is a limit of its own for those.
    @Test func whatIsBeyondARateLeavesNone() async throws {
        let log = RecordedLog()
        var access = AccessConfiguration()
        access.rates.requestsPerSecond = 0.001
        access.rates.burst = 1
        let node = try TestNode(access: access, log: log)
        _ = await node.post("/v1/connections", "{}")
        let refused = await node.post("/v1/connections", "{}")
        #expect(refused.code == "rate_limited")
        #expect(refused.headers[.retryAfter].flatMap { Int($0) }.map { 900...1000 ~= $0 } == true)
        #expect(log.audit.count == 1)
    }
}

@Suite struct RequestIDTests {
    @Test func everyAnswerHasOne() async throws {
        let log = RecordedLog()
        let node = try TestNode(log: log)
        var seen: Set<String> = []
        for path in ["/v1/node", "/nothing", "/healthz", "/v1/node?x=y"] {
            let response = await node.get(path)
            let id = try #require(response.headers[.requestID])
            #expect(RequestID.isValid(id) && seen.insert(id).inserted)
            if response.status != .ok {
                #expect(try response.object()["request_id"] as? String == id)
            }
            #expect(log.lines.last { $0.message == "request" }?.metadata["request_id"] == id)
        }
    }

    @Test(arguments: ["Request-Id", "X-Request-Id"])
    func aClientsOwnIsKept(name: String) async throws {
        let node = try TestNode()
        let field = try #require(HTTPField.Name(name))
        for value in ["a", "0193-a.b_c~", String(repeating: "x", count: 64)] {
            let response = await node.request(.get, "/nothing", headers: [field: value])
            #expect(response.headers[.requestID] == value)
            #expect(try response.object()["request_id"] as? String == value)
        }
        for value in ["", "a b", "a\"b", String(repeating: "x", count: 65), "ä", "a,b"] {
            let response = await node.request(.get, "/nothing", headers: [field: value])
            let id = try #require(response.headers[.requestID])
            #expect(id != value && id.utf8.count == 32)
        }
    }

    @Test func twoAreNone() async throws {
        let node = try TestNode()
        var headers = HTTPFields()
        for value in ["one", "two"] { headers.append(HTTPField(name: .requestID, value: value)) }
        let response = await node.request(.get, "/healthz", headers: headers)
        #expect(response.headers[.requestID]?.utf8.count == 32)
        headers = [.requestID: "mine", .xRequestID: "other"]
        #expect(
            await node.request(.get, "/healthz", headers: headers).headers[.requestID] == "mine")
    }

    @Test func theServersOwnAnswersHaveOne() throws {
        let response = Gateway.errorResponse(.badRequest, "Because.")
        let id = try #require(response.headers[.requestID])
        #expect(try response.object()["request_id"] as? String == id)
        #expect(Gateway.errorResponse(.badRequest, "Because.").headers[.requestID] != id)
    }

    @Test func aConnectionIsLoggedWithTheRequestThatMadeIt() async throws {
        let log = RecordedLog()
        let (here, there) = (try TestNode(log: log), try TestNode())
        let response = await here.post("/v1/connections", #"{"address":"\#(there.address)"}"#)
        #expect(response.status == .created)
        try await eventually("it is logged") {
            log.lines.contains { $0.message == "connection opened" }
        }
        let line = log.lines.first { $0.message == "connection opened" }
        #expect(line?.metadata["request_id"] == response.headers[.requestID])
    }
}
