import FoundationEssentials
import HTTPServer
import HTTPTypes

/// The JSON object in the body of a request, read as strictly as the query. Every member of every
/// request is a string.
struct JSONBody {
    private var members: [String: String] = [:]

    static func read(
        _ request: ServerRequest, allowed: [String], limits: GatewayLimits
    ) async throws(GatewayError) -> JSONBody {
        try checkMediaType(request)
        let bytes: [UInt8]
        do {
            bytes = try await WaitMeter.measure { () throws(RequestBodyError) in
                try await request.body.collect(
                    limit: limits.maximumJSONBodyBytes,
                    deadline: .now + limits.maximumJSONBodyTime)
            }
        } catch {
            throw GatewayError(error)
        }
        return try JSONBody(bytes, allowed: allowed)
    }

    init(_ bytes: [UInt8], allowed: [String]) throws(GatewayError) {
        // RFC 8259 §8.1: UTF-8. The decoder would take UTF-16 and UTF-32 too, which have such bytes.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw .malformedJSON
        }
        do {
            members = try JSONDecoder().decode(Members.self, from: Data(bytes)).strings
        } catch let error as DecodingError {
            throw GatewayError(error)
        } catch {
            throw .malformedJSON
        }
        var seen: Set<String> = []
        for name in JSONMemberNames.read(bytes) where !seen.insert(name).inserted {
            throw .invalidMember(name: name, detail: "given more than once")
        }
        for name in members.keys.sorted() where !allowed.contains(name) {
            throw .invalidMember(
                name: name, detail: "unknown here; known: \(allowed.joined(separator: ", "))")
        }
    }

    /// An object whose members are all strings, whatever they are called.
    private struct Members: Decodable {
        var strings: [String: String] = [:]

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for name in container.allKeys {
                strings[name.stringValue] = try container.decode(String.self, forKey: name)
            }
        }
    }

    func string(_ name: String) -> String? { members[name] }

    func requiredString(_ name: String) throws(GatewayError) -> String {
        guard let text = members[name] else {
            throw .invalidMember(name: name, detail: "is missing")
        }
        return text
    }

    /// `curl -d` says it sends a form when it is told nothing else, so that type passes; whether
    /// the body is JSON is seen by reading it.
    private static func checkMediaType(_ request: ServerRequest) throws(GatewayError) {
        guard let header = request.headers[.contentType] else { return }
        let type = header.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        let isJSON = type == "application/json" || type.hasSuffix("+json")
        guard isJSON || type == "application/x-www-form-urlencoded" else {
            throw .unsupportedMediaType(header)
        }
    }
}

extension GatewayError {
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty,
            .valueNotFound(_, let context) where !context.codingPath.isEmpty:
            let name = context.codingPath.map(\.stringValue).joined(separator: ".")
            self = .invalidMember(name: name, detail: "has to be a string")
        default:
            self = .malformedJSON
        }
    }

    init(_ error: RequestBodyError) {
        switch error {
        case .tooLong(let limit): self = .bodyTooLong(limit: limit)
        case .timedOut: self = .bodyTimedOut
        case .aborted: self = .bodyAborted
        case .serverStopping: self = .shuttingDown
        }
    }
}
