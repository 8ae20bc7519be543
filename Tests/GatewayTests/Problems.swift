import Foundation
import HTTPServer
import Testing

@testable import Gateway

/// The problem a closure throws.
func problem(
    _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) throws -> ProblemDetails {
    let error = #expect(throws: GatewayError.self, sourceLocation: sourceLocation) { try body() }
    return ProblemDetails(try #require(error, sourceLocation: sourceLocation))
}

extension ServerResponse {
    /// The members of a JSON object in the body.
    func object(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(body))
        return try #require(value as? [String: Any], sourceLocation: sourceLocation)
    }
}
