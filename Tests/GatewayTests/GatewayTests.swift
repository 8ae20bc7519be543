import HTTPServer
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct GatewayTests {
    @Test func unknownPathsAndMethods() async throws {
        let node = try TestNode()
        let missing = await node.get("/v1/nothing")
        #expect(missing.status == .notFound)
        #expect(missing.code == "not_found")
        let method = await node.request(.delete, "/v1/node")
        #expect(method.status == .methodNotAllowed)
        #expect(method.code == "method_not_allowed")
        #expect(method.headers[.allow] == "GET, HEAD")
        let connection = await node.get("/v1/connections/nothing")
        #expect(connection.status == .notFound)
        #expect(connection.code == "unknown_connection")
    }

    @Test func problemsHaveEveryMember() async throws {
        let node = try TestNode()
        let response = await node.get("/v1/node?color=red")
        #expect(response.headers[.contentType] == "application/problem+json")
        let problem = try response.object()
        #expect(problem["type"] as? String == "about:blank")
        #expect(problem["title"] as? String == "Bad Request")
        #expect(problem["status"] as? Int == 400)
        #expect(problem["code"] as? String == "invalid_parameter")
        #expect(problem["retryable"] as? Bool == false)
        #expect(problem["field"] as? String == "color")
        #expect(try #require(problem["detail"] as? String).contains("color"))
    }

    @Test func accessIsCheckedFirst() async throws {
        let node = try TestNode()
        for path in ["/v1/node", "/nothing"] {
            let host = await node.request(.get, path, headers: [.host: "evil.example"])
            #expect(host.code == "host_not_allowed")
            let page = await node.request(.get, path, headers: [.origin: "http://evil.example"])
            #expect(page.code == "cross_origin")
        }
        let method = await node.request(.delete, "/metrics", headers: [.host: "evil.example"])
        #expect(method.code == "host_not_allowed")
    }

    @Test func headAnswersLikeGet() async throws {
        let node = try TestNode()
        for path in ["/v1/node", "/v1/connections", "/healthz", "/metrics"] {
            let head = await node.request(.head, path)
            #expect(head.status == .ok)
            #expect(head.headers[.contentType] == (await node.get(path)).headers[.contentType])
        }
    }

    @Test func tellsAboutItself() async throws {
        let node = try TestNode()
        let document = try await node.get("/v1/node").object()
        #expect(document["peer_id"] as? String == node.peer)
        #expect(document["udp_addresses"] as? [String] == [node.address])
        #expect(document["version"] as? String == GatewayVersion.current)
        let limits = try #require(document["limits"] as? [String: Any])
        #expect(limits["maximum_data_bytes"] as? Int == GatewayLimits().maximumDataBytes)
    }

    @Test func shuttingDownIsTold() async throws {
        let node = try TestNode()
        #expect(await node.get("/readyz").status == .ok)
        node.gateway.beginShutdown()
        let readiness = await node.get("/readyz")
        #expect(readiness.status == .serviceUnavailable)
        #expect(readiness.code == "shutting_down")
        #expect(readiness.headers[.retryAfter] != nil)
        #expect(await node.get("/healthz").status == .ok)
        #expect(await node.get("/metrics").status == .ok)
        #expect(await node.get("/v1/node").code == "shutting_down")
    }

    @Test func flushWaitsForThePeers() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let ids = try await here.connect(to: there)
        _ = await here.post("/v1/connections/\(ids.here)/data", "last words")
        let undelivered = await here.gateway.flush(deadline: .now + .seconds(60))
        #expect(undelivered == .init())
        let send = try #require(try await here.document(ids.here)["send"] as? [String: Any])
        #expect(send["acknowledged_offset"] as? Int == 10)
    }

    @Test func serverErrorsAreProblems() throws {
        for (status, code) in [
            (HTTPResponse.Status.badRequest, "malformed_request"),
            (.expectationFailed, "expectation_failed"),
            (.serviceUnavailable, "shutting_down"), (.internalServerError, "internal_error"),
        ] {
            let response = Gateway.errorResponse(status, "Because.")
            #expect(response.status == status)
            #expect(response.code == code)
        }
    }
}
