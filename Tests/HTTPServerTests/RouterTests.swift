import HTTPTypes
import Testing

@testable import HTTPServer

@Suite struct RouterTests {
    private static func router() -> Router {
        var router = Router()
        for (method, pattern) in [
            (HTTPRequest.Method.get, "/"), (.get, "/v1/{kind}/self"), (.get, "/v1/things/{id}"),
            (.post, "/v1/things/{id}"), (.head, "/v1/things/{id}/data"),
            (.get, "/v1/things/{id}/data"),
        ] {
            router.on(method, pattern) { _ in .text("\(method) \(pattern)") }
        }
        return router
    }

    private func describe(_ match: Router.Match) async -> String {
        switch match {
        case .found(let handler, let pattern, let parameters):
            let answer = await handler(ServerRequest(method: .get, path: "/"))
            let values = parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            #expect(String(decoding: answer.body, as: UTF8.self).hasSuffix(pattern))
            return ([String(decoding: answer.body, as: UTF8.self)] + values)
                .joined(separator: " ")
        case .methodNotAllowed(let allowed, let pattern):
            return "\(pattern) allows \(allowed.map(\.rawValue).joined(separator: ", "))"
        case .notFound:
            return "not found"
        }
    }

    @Test(arguments: [
        ("GET", "/", "GET /"), ("GET", "/v1/things/7", "GET /v1/things/{id} id=7"),
        ("POST", "/v1/things/7", "POST /v1/things/{id} id=7"),
        ("HEAD", "/v1/things/7", "GET /v1/things/{id} id=7"),
        ("HEAD", "/v1/things/7/data", "HEAD /v1/things/{id}/data id=7"),
        ("PUT", "/v1/things/7", "/v1/things/{id} allows GET, HEAD, POST"),
        ("GET", "/v1/things/self", "GET /v1/things/{id} id=self"),
        ("GET", "/v1/others/self", "GET /v1/{kind}/self kind=others"),
        ("GET", "/v1/things/", "not found"), ("GET", "/v1/things", "not found"),
        ("GET", "/v1/things/7/", "not found"), ("GET", "*", "not found"),
    ])
    func match(method: String, path: String, expected: String) async throws {
        let method = try #require(HTTPRequest.Method(method))
        let match = Self.router().match(method: method, path: path)
        #expect(await describe(match) == expected)
    }

    @Test func encodedSlashStaysInItsSegment() async throws {
        let target = try #require(RequestTarget("/v1/things/a%2Fdata"))
        let request = ServerRequest(
            method: .get, segments: target.segments, query: [], headers: [:], remoteAddress: "",
            isSecure: false, clientCertificate: nil, parameters: [:], body: RequestBody())
        let match = Self.router().match(request)
        #expect(await describe(match) == "GET /v1/things/{id} id=a/data")
    }

    @Test func tellsItsRoutes() {
        let routes = Self.router().routes.map { "\($0.method.rawValue) \($0.pattern)" }
        #expect(
            routes.sorted() == [
                "GET /", "GET /v1/things/{id}", "GET /v1/things/{id}/data", "GET /v1/{kind}/self",
                "HEAD /v1/things/{id}/data", "POST /v1/things/{id}",
            ])
    }

    @Test func laterHandlerReplacesTheEarlier() async {
        var router = Self.router()
        router.on(.get, "/") { _ in .text("new /") }
        #expect(await describe(router.match(method: .get, path: "/")) == "new /")
    }
}
