import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct DashboardResourceTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/CDashboard/page")

    /// What is served, and the file that it was built from.
    private static let files: [(path: String, file: String)] = {
        let directory = sources.appendingPathComponent("dashboard").path
        let modules = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return [
            ("/", "index.html"), ("/dashboard.css", "dashboard.css"),
            ("/dashboard.js", "dashboard.js"),
        ] + modules.sorted().map { ("/dashboard/\($0)", "dashboard/\($0)") }
    }()

    @Test func everyFileIsServedAsItIs() async throws {
        try #require(Self.files.count > 3)
        let node = try TestNode()
        for (path, file) in Self.files {
            let response = await node.get(path)
            #expect(response.status == .ok, "\(path)")
            let content = try Data(contentsOf: Self.sources.appendingPathComponent(file))
            #expect(response.body == [UInt8](content), "\(path)")
        }
    }

    @Test func saysWhatTheyAre() async throws {
        let node = try TestNode()
        let types = [
            ("/", "text/html"), ("/dashboard.css", "text/css"),
            ("/dashboard.js", "text/javascript"), ("/dashboard/api.js", "text/javascript"),
        ]
        for (path, type) in types {
            let headers = await node.get(path).headers
            #expect(headers[.contentType] == "\(type); charset=utf-8")
            #expect(headers[.xContentTypeOptions] == "nosniff")
        }
    }

    /// What modules import is there, and nothing is loaded from elsewhere.
    @Test func loadsNothingThatIsNotServed() throws {
        let served = Set(Self.files.map(\.path))
        for (path, file) in Self.files {
            let text = try String(
                contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
            let base = path.split(separator: "/").count > 1 ? "/dashboard" : ""
            for match in text.matches(of: /from '\.\/([^']+)'/) {
                #expect(served.contains("\(base)/\(match.1)"), "\(path)")
            }
            for match in text.matches(of: /(?:src|href)="(\/[^"]*)"/) {
                let target = String(match.1)
                #expect(served.contains(target) || target == "/openapi.yaml", "\(path)")
            }
            // The name of the SVG namespace is no address.
            let addresses = text.matches(of: /https?:\/\/[^'"\s]+/).map { String($0.0) }
            #expect(addresses.allSatisfy { $0 == "http://www.w3.org/2000/svg" }, "\(path)")
        }
    }

    /// Strangers send what the page shows.
    @Test func nothingBecomesMarkup() throws {
        let ways = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/
        for (path, file) in Self.files {
            let text = try String(
                contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
            #expect(text.firstMatch(of: ways) == nil, "\(path)")
        }
    }

    @Test func nothingElseRunsInIt() async throws {
        let headers = await (try TestNode()).get("/").headers
        let policy = try #require(headers[.contentSecurityPolicy]).split(separator: "; ")
        #expect(policy.first == "default-src 'none'")
        #expect(policy.allSatisfy { !$0.contains("unsafe") && !$0.contains("*") })
        for directive in [
            "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
            "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        ] {
            #expect(policy.contains { $0 == directive }, "\(directive)")
        }
        #expect(headers[.referrerPolicy] == "no-referrer")
        #expect(headers[.crossOriginOpenerPolicy] == "same-origin")
        #expect(headers[.crossOriginResourcePolicy] == "same-origin")
    }

    @Test func isNotSentAgain() async throws {
        let node = try TestNode()
        let tag = try #require(await node.get("/").headers[.eTag])
        let again = await node.request(.get, "/", headers: [.ifNoneMatch: tag])
        #expect(again.status == .notModified)
        #expect(again.headers[.eTag] == tag)
        #expect(await node.get("/dashboard.js").headers[.eTag] != tag)
    }

    @Test func unknownModulesAreNotFound() async throws {
        let node = try TestNode()
        for path in ["/dashboard/none.js", "/dashboard/", "/dashboard", "/index.html"] {
            #expect(await node.get(path).code == "not_found", "\(path)")
        }
        #expect(await node.get("/?token=secret").code == "invalid_parameter")
        #expect(await node.post("/", "").code == "method_not_allowed")
    }

    /// The page asks for the token; it cannot be behind it.
    @Test func needsNoToken() async throws {
        var access = AccessConfiguration()
        access.requiresClientCertificate = true
        let node = try TestNode(access: access)
        #expect(await node.get("/v1/node").status == .forbidden)
        for (path, _) in Self.files { #expect(await node.get(path).status == .ok, "\(path)") }
    }

    /// Its requests carry its own origin; those of strangers' pages carry theirs.
    @Test func itsOwnRequestsAreServed() async throws {
        let node = try TestNode()
        let host = "127.0.0.1:8080"
        for (origin, status) in [("http://\(host)", 201), ("https://evil.example", 403)] {
            let peer = try TestNode()
            let response = await node.request(
                .post, "/v1/connections", body: Array(#"{"address":"\#(peer.address)"}"#.utf8),
                headers: [.host: host, .origin: origin])
            #expect(response.status.code == status, "\(origin)")
        }
    }
}
