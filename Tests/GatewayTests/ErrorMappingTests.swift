import Foundation
import HTTPTypes
import LRP2P
import Spool
import Testing

@testable import Gateway

@Suite struct ErrorMappingTests {
    private static let cursor = Cursor(epoch: Epoch(value: 1), position: 2)
    private static let peer = Identity().peerID

    private static let errors: [(GatewayError, status: Int, code: String)] = [
        (.invalidParameter(name: "a", detail: "b"), 400, "invalid_parameter"),
        (.invalidHeader(name: "a", detail: "b"), 400, "invalid_header"),
        (.malformedJSON, 400, "malformed_json"),
        (.invalidMember(name: "a", detail: "b"), 400, "invalid_member"),
        (.bodyTooLong(limit: 1), 413, "body_too_long"),
        (.unsupportedMediaType("a/b"), 415, "unsupported_media_type"),
        (.notAcceptable(offers: ["a/b"]), 406, "not_acceptable"),
        (.state(.eventsMissed(field: "a", earliest: cursor)), 410, "events_missed"),
        (.bodyAborted, 400, "body_incomplete"),
        (.bodyTimedOut, 408, "body_timeout"),
        (.access(.hostNotAllowed("a")), 403, "host_not_allowed"),
        (.access(.crossOrigin("a")), 403, "cross_origin"),
        (.access(.tokenRequired), 401, "token_required"),
        (.access(.invalidToken), 401, "invalid_token"),
        (.access(.insufficientScope(.write)), 403, "insufficient_scope"),
        (.access(.certificateRequired), 403, "certificate_required"),
        (.access(.tooManyFailures(wait: .seconds(6))), 429, "rate_limited"),
        (.access(.rateLimited(wait: .seconds(6))), 429, "rate_limited"),
        (.access(.tooManyWaiters(limit: 1)), 429, "too_many_waiters"),
        (.access(.tooManyUploads(limit: 1)), 429, "too_many_uploads"),
        (.access(.dialNotAllowed(.loopback(port: 1), .notAllowed)), 403, "dial_not_allowed"),
        (.access(.dialNotAllowed(.loopback(port: 1), .ownHTTPPort)), 403, "dial_not_allowed"),
        (.access(.peerNotAllowed(peer)), 403, "peer_not_allowed"),
        (.connectFailed(.peerNotAllowed(peer), address: "a"), 403, "peer_not_allowed"),
        (.missing(.path("/a")), 404, "not_found"),
        (.missing(.method("PUT", allowed: [.get])), 405, "method_not_allowed"),
        (.missing(.connection(id: "a")), 404, "unknown_connection"),
        (.state(.cursorExpired(field: "a", earliest: cursor)), 410, "cursor_expired"),
        (.state(.offsetTrimmed(field: "a", earliest: cursor)), 410, "offset_trimmed"),
        (.state(.offsetBeyondEnd(field: "a", end: cursor)), 409, "offset_beyond_end"),
        (.state(.uploadInProgress), 409, "upload_in_progress"),
        (.state(.uploadSuperseded), 409, "upload_superseded"),
        (.state(.sendOffsetGap(expected: 3)), 409, "send_offset_gap"),
        (.state(.connectionClosed("local", send: 1..<2)), 409, "connection_closed"),
        (.state(.readerExpired("r", earliest: cursor)), 410, "reader_expired"),
        (.missing(.reader("r")), 404, "unknown_reader"),
        (.tooManyReaders(limit: 3), 429, "too_many_readers"),
        (.connectionLimit, 429, "connection_limit"),
        (.spoolFailing(.closed), 503, "spool_failing"),
        (.upload(.shuttingDown, send: 1..<2), 503, "shutting_down"),
        (.state(.acknowledgementTimeout(send: 1..<2)), 504, "acknowledgement_timeout"),
        (.connectFailed(.timedOut, address: "a"), 504, "handshake_timeout"),
        (.connectFailed(.cancelled, address: "a"), 503, "shutting_down"),
        (.connectFailed(.socketClosed, address: "a"), 503, "shutting_down"),
        (
            .connectFailed(.peerMismatch(expected: peer, found: peer), address: "a"), 502,
            "peer_mismatch"
        ),
        (.connectFailed(.connectedToSelf, address: "a"), 422, "connected_to_self"),
        (.connectFailed(.connectionLimit, address: "a"), 429, "connection_limit"),
        (
            .connectFailed(.unusableAddress(.loopback(port: 0)), address: "a"), 422,
            "unusable_address"
        ),
        (.resolveFailed(.notFound("a"), host: "a"), 502, "name_not_resolved"),
        (.resolveFailed(.temporaryFailure("a"), host: "a"), 502, "name_not_resolved"),
        (.resolveFailed(.system(operation: "a", code: 1), host: "a"), 502, "name_not_resolved"),
        (.resolveFailed(.malformed("a"), host: "a"), 422, "unusable_address"),
        (.resolveFailed(.tooManyLookups(limit: 1), host: "a"), 429, "too_many_lookups"),
        (.resolveFailed(.cancelled, host: "a"), 503, "shutting_down"),
        (.resolveTimeout(host: "a"), 504, "name_timeout"),
        (.tooManyWaiters(limit: 1), 429, "too_many_waiters"),
        (.shuttingDown, 503, "shutting_down"),
        (.clientLeft, 499, "client_left"),
    ]

    /// The lines of the table in the DocC page by code.
    private static func documented() throws -> [String: [String]] {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Gateway/Gateway.docc/Gateway.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let errors = try #require(text.range(of: "## Errors"))
        let limits = try #require(text.range(of: "## Limits"))
        var rows: [String: [String]] = [:]
        for line in text[errors.upperBound..<limits.lowerBound].split(separator: "\n")
        where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            rows[cells[0]] = cells
        }
        return rows
    }

    /// `/readyz` is open to all.
    @Test func theFailingDiskIsNotNamed() {
        let path = "/var/lib/secret/spool.sqlite"
        let errors: [SpoolError] = [
            .diskFull(path: path), .failed(path: path, detail: "disk I/O error at \(path)"),
        ]
        for error in errors {
            let detail = ProblemDetails(.spoolFailing(error)).detail
            #expect(detail.hasPrefix("The spool fails: ") && !detail.contains("secret"))
        }
    }

    @Test func statusesAndCodes() {
        for (error, status, code) in Self.errors {
            let problem = ProblemDetails(error)
            #expect(problem.status == status, "\(error)")
            #expect(problem.code == code, "\(error)")
            #expect(!problem.title.isEmpty && problem.detail.hasSuffix("."), "\(error)")
            let needsRetryAfter = [429, 503].contains(status)
            let response = problem.response
            #expect(
                needsRetryAfter == (response.headers[.retryAfter] != nil)
                    || code == "upload_in_progress", "\(error)")
            #expect(response.headers[.contentType] == "application/problem+json")
        }
    }

    @Test func everyCodeIsDocumented() throws {
        var rows = try Self.documented()
        let statuses: [HTTPResponse.Status] = [
            .badRequest, .expectationFailed, .internalServerError,
        ]
        let server = statuses.map { ProblemDetails(server: $0, "Because.") }
        var codes: Set<String> = []
        for problem in Self.errors.map({ ProblemDetails($0.0) }) + server {
            codes.insert(problem.code)
            let row = try #require(rows[problem.code], "\(problem.code)")
            #expect(row[1] == String(problem.status), "\(problem.code)")
            if row[2] != "depends" {
                #expect((row[2] == "yes") == problem.retryable, "\(problem.code)")
            }
        }
        for code in codes { rows[code] = nil }
        #expect(rows.isEmpty, "documented, and never answered: \(rows.keys)")
    }
}
