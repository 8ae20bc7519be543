import Foundation
import Testing

extension EndToEnd {
    @Suite struct ErrorTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let request: String
            var headers: [String: String] = [:]
            var body = ""
            let status: Int
            let code: String
            var field: String?
            var allow: Set<String>?

            var testDescription: String { "\(request) \(body.prefix(60)) → \(status)" }
        }

        static let open = "/v1/connections/ID/data"
        static let cases: [Case] = [
            Case(request: "GET /index.html", status: 404, code: "not_found"),
            Case(request: "GET /v1/nothing", status: 404, code: "not_found"),
            Case(request: "GET /v1/connections/x", status: 404, code: "unknown_connection"),
            Case(request: "GET /v1/connections/x/data", status: 404, code: "unknown_connection"),
            Case(
                request: "POST /v1/connections/x/data", body: "lost", status: 404,
                code: "unknown_connection"),
            Case(request: "DELETE /v1/connections/x", status: 404, code: "unknown_connection"),
            Case(
                request: "DELETE /v1/node", status: 405, code: "method_not_allowed",
                allow: ["GET", "HEAD"]),
            Case(
                request: "PATCH \(open)", status: 405, code: "method_not_allowed",
                allow: ["GET", "HEAD", "POST", "PUT"]),
            Case(
                request: "PUT /v1/connections", body: "{}", status: 405,
                code: "method_not_allowed", allow: ["GET", "HEAD", "POST"]),
            Case(
                request: "POST /v1/connections", body: "{", status: 400, code: "malformed_json"),
            Case(
                request: "POST /v1/connections", body: "[]", status: 400, code: "malformed_json"),
            Case(
                request: "POST /v1/connections", body: "{}", status: 400, code: "invalid_member",
                field: "address"),
            Case(
                request: "POST /v1/connections", body: #"{"address":"127.0.0.1"}"#, status: 400,
                code: "invalid_member", field: "address"),
            Case(
                request: "POST /v1/connections", body: #"{"address":"127.0.0.1:1","peer":"x"}"#,
                status: 400, code: "invalid_member", field: "peer"),
            Case(
                request: "POST /v1/connections", body: #"{"adress":"127.0.0.1:1"}"#, status: 400,
                code: "invalid_member", field: "adress"),
            Case(
                request: "POST /v1/connections",
                body: #"{"address":""# + String(repeating: "x", count: 70_000) + #""}"#,
                status: 413, code: "body_too_long"),
            Case(
                request: "POST /v1/connections", headers: ["Content-Type": "text/xml"],
                body: "<x/>", status: 415, code: "unsupported_media_type"),
            Case(
                request: "GET \(open)?wait=soon", status: 400, code: "invalid_parameter",
                field: "wait"),
            Case(
                request: "GET \(open)?wait=-1s", status: 400, code: "invalid_parameter",
                field: "wait"),
            Case(
                request: "GET \(open)?max_bytes=0", status: 400, code: "invalid_parameter",
                field: "max_bytes"),
            Case(
                request: "GET \(open)?offset=12", status: 400, code: "invalid_parameter",
                field: "offset"),
            Case(
                request: "GET \(open)?ofset=12", status: 400, code: "invalid_parameter",
                field: "ofset"),
            Case(
                request: "GET \(open)?offset=EPOCH-0", status: 410, code: "cursor_expired",
                field: "offset"),
            Case(
                request: "GET \(open)?ack=EPOCH-0", status: 410, code: "cursor_expired",
                field: "ack"),
            Case(
                request: "GET /v1/accept?after=EPOCH-0", status: 410, code: "cursor_expired",
                field: "after"),
            Case(
                request: "POST /v1/connections/ID/ack", body: #"{"offset":"EPOCH-0"}"#,
                status: 410, code: "cursor_expired", field: "offset"),
            Case(
                request: "POST /v1/connections/ID/ack", body: #"{"offset":7}"#, status: 400,
                code: "invalid_member", field: "offset"),
            Case(
                request: "POST \(open)", headers: ["Send-Offset": "1000000"], body: "gap",
                status: 409, code: "send_offset_gap"),
            Case(
                request: "GET /v1/node", headers: ["Host": "evil.example"], status: 403,
                code: "host_not_allowed"),
            Case(
                request: "GET /v1/node", headers: ["Origin": "http://evil.example"], status: 403,
                code: "cross_origin"),
        ]

        @Test("What bad input gets, always as application/problem+json")
        func table() async throws {
            let pair = try await Pair()
            for item in Self.cases {
                try await check(item, at: pair)
            }
            // None of it did any harm.
            _ = try await pair.a.request("POST", pair.dataA, body: Array("still here".utf8))
            #expect(try await pair.b.read(pair.idB, count: 10) == Array("still here".utf8))
            try await pair.stop()
        }

        private func check(_ item: Case, at pair: Pair) async throws {
            // An epoch is random; this is not one of these two connections' but for 2⁻³¹.
            let fill = { (text: String) in
                text.replacing("ID", with: pair.idA).replacing("EPOCH", with: "0badcafe")
            }
            let words = fill(item.request).split(separator: " ").map(String.init)
            let answer = try await pair.a.request(
                words[0], words[1], headers: item.headers, body: Array(fill(item.body).utf8))
            let name = Comment(rawValue: item.testDescription)
            #expect(answer.status == item.status, name)
            #expect(answer["Content-Type"] == "application/problem+json", name)
            let problem = try answer.decode(ProblemDocument.self)
            #expect(problem.status == item.status, name)
            #expect(problem.code == item.code, name)
            #expect(problem.field == item.field, name)
            #expect(!problem.title.isEmpty && !problem.detail.isEmpty, name)
            if item.status == 410 { #expect(problem.earliest != nil, name) }
            if let allow = item.allow {
                let methods = answer["Allow"]?.split(separator: ",").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
                #expect(Set(methods ?? []) == allow, name)
            }
        }

        @Test("The wrong peer is refused, and nobody at an address is a timeout")
        func connectFailures() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let body = { (address: String, peer: String) in
                Array(#"{"address":"\#(address)","peer":"\#(peer)"}"#.utf8)
            }
            let wrong = try await a.request(
                "POST", "/v1/connections", body: body(b.udp, a.peerID))
            #expect(wrong.status == 502)
            #expect(try wrong.decode(ProblemDocument.self).code == "peer_mismatch")

            // A port that was just given up by its process.
            let gone = b.udp
            let peer = b.peerID
            try await b.stop()
            let silent = try await a.request(
                "POST", "/v1/connections?wait=300ms", body: body(gone, peer))
            #expect(silent.status == 504)
            #expect(try silent.decode(ProblemDocument.self).retryable)
            try await a.stop()
        }
    }
}
