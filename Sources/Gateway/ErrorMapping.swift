import HTTPServer
import HTTPTypes
import LRP2P
import Spool

// The one place that turns errors into HTTP statuses and codes; those of access are next door, in
// ErrorMapping+Access.swift. The table in the DocC page lists the same codes.

extension ProblemDetails {
    init(_ error: GatewayError) {
        switch error {
        case .invalidParameter(let name, let detail):
            self.init(.badRequest, "invalid_parameter", "Query parameter \(name): \(detail).")
            field = name
        case .invalidHeader(let name, let detail):
            self.init(.badRequest, "invalid_header", "Header field \(name): \(detail).")
            field = name
        case .malformedJSON:
            self.init(.badRequest, "malformed_json", "The body is not a JSON object.")
        case .invalidMember(let name, let detail):
            self.init(.badRequest, "invalid_member", "Member \(name): \(detail).")
            field = name
        case .bodyTooLong(let limit):
            self.init(.contentTooLarge, "body_too_long", "The body is longer than \(limit) bytes.")
        case .unsupportedMediaType(let type):
            self.init(
                .unsupportedMediaType, "unsupported_media_type",
                "The body has to be application/json, not \(type).")
        case .notAcceptable(let offers):
            self.init(
                .notAcceptable, "not_acceptable",
                "There is " + offers.joined(separator: " or ") + "; Accept has none of it.")
            field = "Accept"
        case .bodyAborted:
            self.init(.badRequest, "body_incomplete", "The body ended early.", retryable: true)
        case .bodyTimedOut:
            self.init(
                .requestTimeout, "body_timeout", "The body was not complete in time.",
                retryable: true)
        case .access(let error):
            self.init(error)
        case .missing(let error):
            self.init(error)
        case .state(let error):
            self.init(error)
        case .connectFailed(let error, let address):
            self.init(error, address: address)
        case .resolveFailed(let error, let host):
            self.init(error, host: host)
        case .resolveTimeout(let host):
            self.init(
                .gatewayTimeout, "name_timeout",
                "The host name \(host) was not resolved in time.", retryable: true)
        case .tooManyWaiters(let limit):
            self.init(
                .tooManyRequests, "too_many_waiters",
                "\(limit) requests are waiting, the most allowed.", retryable: true)
            retryAfterSeconds = 1
        case .tooManyReaders(let limit):
            self.init(
                .tooManyRequests, "too_many_readers",
                "The connection has \(limit) readers, the most allowed; DELETE one of them.")
            retryAfterSeconds = 5
        case .connectionLimit:
            self = .connectionLimit
        case .spoolFailing(let error):
            self.init(
                .serviceUnavailable, "spool_failing",
                "The spool fails: \(Self.text(error)).", retryable: true)
            retryAfterSeconds = 5
        case .upload(let error, let send):
            self.init(error)
            acceptedOffset = send.upperBound
            acknowledgedOffset = send.lowerBound
        case .shuttingDown:
            self = .shuttingDown
        case .clientLeft:
            // Not in any RFC; what other servers count for a client that did not wait.
            self.init(
                .init(code: 499, reasonPhrase: "Client Closed Request"), "client_left",
                "The client left before the answer.", retryable: true)
        }
    }

    private init(_ error: MissingError) {
        switch error {
        case .path(let path):
            self.init(.notFound, "not_found", "There is nothing at \(path).")
        case .method(let method, let allowed):
            self.init(
                .methodNotAllowed, "method_not_allowed",
                "\(method) is not possible here; possible: "
                    + allowed.map(\.rawValue).joined(separator: ", ") + ".")
            allowedMethods = allowed
        case .connection(let id):
            self.init(
                .notFound, "unknown_connection",
                "There is no connection \(id); it may have been removed after it closed.")
        case .reader(let name):
            self.init(
                .notFound, "unknown_reader", "The connection has no reader \(name).")
        }
    }

    private static var connectionLimit: ProblemDetails {
        var problem = ProblemDetails(
            .tooManyRequests, "connection_limit",
            "The gateway has as many connections as it may.", retryable: true)
        problem.retryAfterSeconds = 5
        return problem
    }

    private static var shuttingDown: ProblemDetails {
        var problem = ProblemDetails(
            .serviceUnavailable, "shutting_down", "The gateway is shutting down.", retryable: true)
        problem.retryAfterSeconds = 5
        return problem
    }
}

extension ProblemDetails {
    private init(_ error: StateError) {
        switch error {
        case .cursorExpired(let name, let first):
            self.init(
                .gone, "cursor_expired",
                "\(name) is a cursor of something else, or from before a restart of the gateway; "
                    + "the earliest valid one is \(first).")
            field = name
            earliest = first.description
        case .offsetTrimmed(let name, let first):
            self.init(
                .gone, "offset_trimmed",
                "What lies at \(name) is not kept any more; the earliest cursor is \(first).")
            field = name
            earliest = first.description
        case .offsetBeyondEnd(let name, let last):
            self.init(
                .conflict, "offset_beyond_end",
                "\(name) lies beyond the last byte received; the end is at \(last).")
            field = name
            end = last.description
        case .uploadInProgress:
            self.init(
                .conflict, "upload_in_progress",
                "Another request is sending on this connection; one at a time can. One with "
                    + "Send-Offset takes over.",
                retryable: true)
            retryAfterSeconds = 1
        case .uploadSuperseded:
            self.init(
                .conflict, "upload_superseded",
                "A later request with Send-Offset sends on this connection now.")
        case .sendOffsetGap(let expected):
            self.init(
                .conflict, "send_offset_gap",
                "Bytes are missing before Send-Offset; the next one expected is \(expected).")
            expectedOffset = expected
        case .connectionClosed(let reason, let send):
            self.init(.conflict, "connection_closed", "The connection is closed.")
            closeReason = reason
            acceptedOffset = send.upperBound
            acknowledgedOffset = send.lowerBound
        case .readerExpired(let name, let first):
            self.init(
                .gone, "reader_expired",
                "The reader \(name) was behind the others for too long and is not waited for; "
                    + "with offset=\(first) it begins again at what is still there.")
            earliest = first.description
        case .eventsMissed(let name, let first):
            self.init(
                .gone, "events_missed",
                "\(name) is a cursor from before a restart, or events after it are not kept any "
                    + "more; look at the connections, and go on at \(first).")
            field = name
            earliest = first.description
        case .acknowledgementTimeout(let send):
            self.init(
                .gatewayTimeout, "acknowledgement_timeout",
                "All bytes are accepted, but the peer has not got them in time.")
            acceptedOffset = send.upperBound
            acknowledgedOffset = send.lowerBound
        }
    }

    private init(_ error: ConnectError, address: String) {
        switch error {
        case .timedOut:
            self.init(
                .gatewayTimeout, "handshake_timeout",
                "No peer at \(address) finished the handshake in time.", retryable: true)
        case .peerMismatch(let expected, let found):
            self.init(
                .badGateway, "peer_mismatch",
                "The peer at \(address) is \(found), not \(expected); nothing was sent to it.")
        case .peerNotAllowed(let peer):
            self.init(AccessError.peerNotAllowed(peer))
        case .connectedToSelf:
            self.init(
                .unprocessableContent, "connected_to_self",
                "The address \(address) is this gateway's own.")
        case .unusableAddress:
            self.init(
                .unprocessableContent, "unusable_address",
                "The address \(address) cannot be reached from the UDP address of this gateway.")
        case .connectionLimit:
            self = .connectionLimit
        case .cancelled, .socketClosed:
            self = .shuttingDown
        }
    }

    private init(_ error: ResolveError, host: String) {
        let failure = "The host name \(host) could not be resolved"
        switch error {
        case .notFound:
            self.init(.badGateway, "name_not_resolved", "\(failure): it has no address.")
        case .malformed:
            self.init(.unprocessableContent, "unusable_address", "\(host) is not a host name.")
        case .temporaryFailure:
            self.init(
                .badGateway, "name_not_resolved", "\(failure): the name service does not answer.",
                retryable: true)
        case .system(let operation, let code):
            self.init(
                .badGateway, "name_not_resolved", "\(failure): \(operation) says \(code).",
                retryable: true)
        case .tooManyLookups(let limit):
            self.init(
                .tooManyRequests, "too_many_lookups",
                "\(limit) host names are being looked up, the most allowed.", retryable: true)
            retryAfterSeconds = 1
        case .cancelled:
            self = .shuttingDown
        }
    }
}

extension ProblemDetails {
    /// Without the path, which the log has: `/readyz` is open to all.
    private static func text(_ error: SpoolError) -> String {
        switch error {
        case .diskFull: "no space is left on its disk"
        case .closed: "it is closed"
        default: "its disk does not work"
        }
    }

    /// For what the HTTP server refuses before a request gets here.
    init(server status: HTTPResponse.Status, _ detail: String) {
        switch status {
        case .badRequest: self.init(status, "malformed_request", detail)
        case .expectationFailed: self.init(status, "expectation_failed", detail)
        case .serviceUnavailable: self = .shuttingDown
        default: self.init(status, "internal_error", detail)
        }
    }
}
