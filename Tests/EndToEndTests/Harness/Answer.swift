import Foundation
import Testing

/// An HTTP response, however it was asked for.
struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]

    /// - Parameter head: the status line and the header fields; the last of several such blocks
    ///   counts, because "100 Continue" is one.
    init(head: String, body: [UInt8]) throws {
        let blocks = head.replacing("\r\n", with: "\n").split(separator: "\n\n")
        let lines = try #require(blocks.last).split(separator: "\n")
        status = try #require(
            lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        headers = lines.dropFirst().reduce(into: [:]) { headers, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        self.body = body
    }

    subscript(_ name: String) -> String? { headers[name.lowercased()] }
    var text: String { String(decoding: body, as: UTF8.self) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            Issue.record("status \(status), \(error): \(text)")
            throw error
        }
    }
}

/// The members of documents that these tests look at.
struct ConnectionDocument: Decodable, Sendable {
    struct Send: Decodable, Sendable {
        let acceptedOffset: UInt64
        let acknowledgedOffset: UInt64
        let bufferBytes: Int
    }

    struct Receive: Decodable, Sendable {
        let receivedOffset: UInt64
        let finished: Bool
    }

    struct Transport: Decodable, Sendable {
        let limitedBy: String
        let packetsReceived: UInt64
    }

    let id: String
    let state: String
    let peer: String
    let closeReason: String?
    let send: Send
    let receive: Receive
    let transport: Transport
}

struct ProblemDocument: Decodable {
    let type: String
    let title: String
    let status: Int
    let detail: String
    let code: String
    let retryable: Bool
    let field: String?
    let earliest: String?
}

struct UploadDocument: Decodable {
    let acceptedOffset: UInt64
    let acknowledgedOffset: UInt64
}
