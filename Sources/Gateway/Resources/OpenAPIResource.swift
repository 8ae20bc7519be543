import COpenAPI
import HTTPServer

/// `GET /openapi.yaml`: the contract of this server, as of the sources it was built from.
struct OpenAPIResource: Sendable {
    private let document = EmbeddedDocument(
        UnsafeBufferPointer(start: copenapi_bytes(), count: copenapi_count()),
        // RFC 9512 §2.1.
        mediaType: "application/yaml")

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        return document.response(to: request)
    }
}
