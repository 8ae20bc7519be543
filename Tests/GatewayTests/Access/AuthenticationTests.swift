import HTTPServer
import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

@Suite struct AuthenticationTests {
    private static let routes: [(HTTPRequest.Method, String, Scope)] = [
        (.get, "/v1/node", .read), (.head, "/v1/node", .read), (.get, "/v1/connections", .read),
        (.post, "/v1/connections", .write), (.get, "/v1/accept", .read),
        (.get, "/v1/connections/x", .read), (.delete, "/v1/connections/x", .write),
        (.get, "/v1/connections/x/data", .read), (.post, "/v1/connections/x/data", .write),
        (.put, "/v1/connections/x/data", .write), (.head, "/v1/connections/x/data", .read),
        (.post, "/v1/connections/x/ack", .read), (.get, "/metrics", .metrics),
    ]

    @Test func everyRouteHasItsScope() async throws {
        let node = try TestNode(access: TestTokens.configuration())
        for (method, path, scope) in Self.routes {
            let tokens: [(String, Set<Scope>)] = [
                (TestTokens.all, Set(Scope.allCases)), (TestTokens.read, [.read]),
                (TestTokens.metrics, [.metrics]),
            ]
            for (token, scopes) in tokens {
                let response = await node.request(method, path, headers: .bearer(token))
                #expect(
                    scopes.contains(scope) == (response.code != "insufficient_scope"),
                    "\(method) \(path) \(token)")
                if response.code == "insufficient_scope" {
                    #expect(response.status == .forbidden)
                    #expect(
                        response.headers[.wwwAuthenticate]
                            == "Bearer realm=\"lrp2p-gateway\", error=\"insufficient_scope\", "
                            + "scope=\"\(scope.rawValue)\"")
                } else {
                    #expect(response.status != .unauthorized)
                }
            }
        }
    }

    @Test func withoutATokenNothingButHealth() async throws {
        let node = try TestNode(access: TestTokens.configuration())
        let others: [(HTTPRequest.Method, String)] = [(.get, "/nothing"), (.delete, "/metrics")]
        for (method, path) in Self.routes.map({ ($0.0, $0.1) }) + others {
            let response = await node.request(method, path)
            #expect(response.status == .unauthorized, "\(method) \(path)")
            #expect(response.code == "token_required")
            #expect(response.headers[.wwwAuthenticate] == "Bearer realm=\"lrp2p-gateway\"")
        }
        #expect(await node.get("/healthz").status == .ok)
        #expect(await node.get("/readyz").status == .ok)
        // Whoever is known is told what there is.
        let known = await node.request(.get, "/nothing", headers: .bearer(TestTokens.metrics))
        #expect(known.code == "not_found")
        let method = await node.request(.delete, "/metrics", headers: .bearer(TestTokens.read))
        #expect(method.code == "method_not_allowed")
    }

    @Test(arguments: [
        "Bearer wrong-token-0123456789", "Bearer ", "Bearer", "bearer a b", "Bearer \"quoted\"",
        "Bearer all-scopes-0123456789x", "Bearer all-scopes-012345678", "Bearer ==",
        "Bearer all-scopes-0123456789,Bearer all-scopes-0123456789",
    ])
    func aWrongTokenIsTold(value: String) async throws {
        let node = try TestNode(access: TestTokens.configuration())
        let response = await node.request(.get, "/v1/node", headers: [.authorization: value])
        #expect(response.status == .unauthorized)
        #expect(response.code == "invalid_token")
        #expect(
            response.headers[.wwwAuthenticate]
                == "Bearer realm=\"lrp2p-gateway\", error=\"invalid_token\"")
    }

    @Test(arguments: ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
    func theSchemeHasNoCase(scheme: String) async throws {
        let node = try TestNode(access: TestTokens.configuration())
        let response = await node.request(
            .get, "/v1/node", headers: [.authorization: "\(scheme) \(TestTokens.read)"])
        #expect(response.status == .ok)
    }

    @Test func otherSchemesAreNoTokens() async throws {
        let node = try TestNode(access: TestTokens.configuration())
        for value in ["Basic YWRtaW46YWRtaW4=", TestTokens.all, "", "BearerX \(TestTokens.all)"] {
            let response = await node.request(.get, "/v1/node", headers: [.authorization: value])
            #expect(response.code == "token_required", "\(value)")
        }
    }

    @Test func twoTokensAreNone() async throws {
        let node = try TestNode(access: TestTokens.configuration())
        var headers = HTTPFields()
        for _ in 0..<2 {
            headers.append(HTTPField(name: .authorization, value: "Bearer \(TestTokens.all)"))
        }
        let response = await node.request(.get, "/v1/node", headers: headers)
        #expect(response.status == .badRequest)
        #expect(response.code == "invalid_header")
    }

    /// It would end up in logs.
    @Test func aTokenInTheQueryIsNone() async throws {
        let node = try TestNode(access: TestTokens.configuration())
        for name in ["access_token", "token", "Authorization"] {
            let response = await node.get("/v1/node?\(name)=\(TestTokens.all)")
            #expect(response.code == "token_required")
            let both = await node.request(
                .get, "/v1/node?\(name)=\(TestTokens.all)", headers: .bearer(TestTokens.all))
            #expect(both.code == "invalid_parameter")
        }
    }

    @Test func withoutTokensEverythingIsOpen() async throws {
        let node = try TestNode()
        #expect(await node.get("/v1/node").status == .ok)
        let response = await node.request(.get, "/metrics", headers: .bearer("anything-at-all-1"))
        #expect(response.status == .ok)
    }

    @Test func aHashIsAsGoodAsItsToken() async throws {
        let token = Array("correct-horse-battery".utf8)
        var table = TokenTable()
        try table.add(name: "a", scopes: [.read], digest: TokenDigest(of: token))
        #expect(table.entry(for: token)?.name == "a")
        #expect(throws: TokenTable.Conflict.token(of: "a")) {
            try table.add(name: "b", scopes: [.write], digest: TokenDigest(of: token))
        }
    }
}

@Suite struct CertificateTests {
    private let certificate = ClientCertificate(
        subject: "CN=one,O=Example", commonName: "one", sha256: String(repeating: "0", count: 64))

    @Test func aCertificateAloneAllowsEverything() async throws {
        var access = AccessConfiguration()
        access.requiresClientCertificate = true
        let log = RecordedLog()
        let node = try TestNode(access: access, log: log)
        let refused = await node.get("/v1/node")
        #expect(refused.status == .forbidden)
        #expect(refused.code == "certificate_required")
        #expect(await node.get("/healthz").status == .ok)
        for path in ["/v1/node", "/metrics"] {
            let response = await node.request(.get, path, certificate: certificate)
            #expect(response.status == .ok)
        }
        _ = await node.request(.delete, "/v1/connections/x", certificate: certificate)
        #expect(log.audit.last?["who"] == "CN=one,O=Example")
        #expect(log.audit.last?["by"] == "certificate")
    }

    @Test func withTokensBothAreNeeded() async throws {
        let access = try TestTokens.configuration { $0.requiresClientCertificate = true }
        let node = try TestNode(access: access)
        let token = HTTPFields.bearer(TestTokens.read)
        #expect(
            await node.request(.get, "/v1/node", headers: token).code == "certificate_required")
        #expect(
            await node.request(.get, "/v1/node", certificate: certificate).code
                == "token_required")
        let both = await node.request(.get, "/v1/node", headers: token, certificate: certificate)
        #expect(both.status == .ok)
        let scope = await node.request(.get, "/metrics", headers: token, certificate: certificate)
        #expect(scope.code == "insufficient_scope")
    }

    /// Nobody has looked who signed it.
    @Test func oneThatWasNotAskedForSaysNothing() async throws {
        let log = RecordedLog()
        let node = try TestNode(log: log)
        _ = await node.request(.delete, "/v1/connections/x", certificate: certificate)
        #expect(log.audit.last?["by"] == "address")
    }

    @Test func whatProtectsAnAddress() throws {
        let open = try #require(HostPort("0.0.0.0:80"))
        let local = try #require(HostPort("localhost:80"))
        var access = AccessConfiguration()
        #expect(access.protects(local) && !access.protects(open))
        access.requiresClientCertificate = true
        #expect(access.protects(open))
        #expect(try TestTokens.configuration().protects(open))
    }
}
