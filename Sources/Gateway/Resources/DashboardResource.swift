import CDashboard
import HTTPServer
import HTTPTypes

/// `/` and what it loads: a page for people, which uses this server as any client does.
///
/// The page has no secrets and is served to everyone; what it shows it asks for with the token of
/// the person who looks at it.
struct DashboardResource: Sendable {
    private let documents: [String: EmbeddedDocument]

    init() {
        let files = UnsafeBufferPointer(start: cdashboard_files(), count: cdashboard_file_count())
        documents = Dictionary(
            uniqueKeysWithValues: files.map { file in
                let path = String(cString: file.path)
                let document = EmbeddedDocument(
                    UnsafeBufferPointer(start: file.bytes, count: file.count),
                    mediaType: Self.mediaType(path), headers: Self.headers)
                return (path, document)
            })
    }

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        guard let document = documents[request.path] else {
            throw .missing(.path(request.path))
        }
        return document.response(to: request)
    }

    /// RFC 9239 §6 says what a script is.
    private static func mediaType(_ path: String) -> String {
        let name =
            switch path.split(separator: ".").last {
            case "css": "css"
            case "js": "javascript"
            default: "html"
            }
        return "text/\(name); charset=utf-8"
    }

    /// What the page shows comes from strangers. Should the page be led to take it for HTML, the
    /// browser runs none of it, loads nothing, and sends nothing anywhere but here; and no other
    /// page can frame this one.
    private static let headers: HTTPFields = {
        let policy = [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
            // The icon is in the page.
            "img-src data:",
            "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            // No script makes HTML of text.
            "require-trusted-types-for 'script'", "trusted-types 'none'",
        ]
        return [
            .contentSecurityPolicy: policy.joined(separator: "; "),
            .xContentTypeOptions: "nosniff",
            .referrerPolicy: "no-referrer",
            .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin",
        ]
    }()
}
