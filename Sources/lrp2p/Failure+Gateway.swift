import GatewayClient

extension Failure {
    /// - Parameter gateway: its URL.
    init(_ error: GatewayClientError, gateway: String) {
        switch error {
        case .unreachable(let reason):
            self.init(
                .noGateway,
                "no gateway at \(gateway): \(reason); start one with lrp2p-gateway, or say where "
                    + "it is with --gateway URL or LRP2P_GATEWAY")
        case .interrupted(let reason):
            // What such a gateway does to a client it does not like looks the same.
            let hint =
                gateway.hasPrefix("https:")
                ? "if it wants a certificate, see --certificate and --key"
                : "if it speaks HTTPS, say https:// in --gateway"
            self.init(
                .noGateway,
                "the connection to the gateway at \(gateway) broke: \(reason); \(hint)")
        case .silent:
            self.init(
                .noGateway,
                "the gateway at \(gateway) does not answer; is it stopped, or overloaded?")
        case .untrusted(let reason):
            self.init(
                .configuration,
                "the gateway at \(gateway) and this client do not trust each other: \(reason); "
                    + "name its authority with --ca, and your certificate with --certificate "
                    + "and --key")
        case .unusable(let reason): self.init(.configuration, "\(gateway): \(reason)")
        case .cancelled: self.init(.tryLater, "interrupted")
        case .notAGateway(let status):
            let what = status == 0 ? "is no HTTP" : "(status \(status)) is not of a gateway"
            self.init(
                .configuration,
                "what answers at \(gateway) \(what); say where the gateway is with --gateway URL")
        case .problem(let problem): self.init(problem, gateway: gateway)
        }
    }

    init(_ problem: Problem, gateway: String) {
        switch problem.code {
        case "token_required":
            self.init(
                .notAllowed,
                "the gateway at \(gateway) needs a token: put it into a file and name that with "
                    + "--token-file, or set LRP2P_TOKEN")
        case "invalid_token":
            self.init(
                .notAllowed,
                "the gateway at \(gateway) does not know this token: it is wrong, or was taken off "
                    + "the gateway's list; see --token-file and LRP2P_TOKEN")
        case "certificate_required":
            self.init(
                .notAllowed,
                "the gateway at \(gateway) wants a certificate: see --certificate and --key")
        case "connection_closed":
            self.init(.peer, "the connection is closed: \(CloseReason.text(problem.closeReason))")
        default:
            self.init(Self.status(of: problem), problem.detail)
        }
    }

    /// By the code, or, for one that a newer gateway may have, by the HTTP status.
    static func status(of problem: Problem) -> ExitStatus {
        if let status = statuses[problem.code] { return status }
        return switch problem.status {
        case 401, 403: .notAllowed
        case 408, 429, 503: .tryLater
        case 400..<500: .usage
        default: .software
        }
    }

    static let statuses: [String: ExitStatus] = [
        "token_required": .notAllowed, "invalid_token": .notAllowed,
        "insufficient_scope": .notAllowed, "certificate_required": .notAllowed,
        "host_not_allowed": .notAllowed, "cross_origin": .notAllowed,
        "dial_not_allowed": .notAllowed, "peer_not_allowed": .notAllowed,
        "unknown_connection": .unknownConnection, "not_found": .configuration,
        "handshake_timeout": .peer, "peer_mismatch": .peer, "connection_closed": .peer,
        "acknowledgement_timeout": .peer,
        "name_not_resolved": .unknownHost, "name_timeout": .unknownHost,
        "cursor_expired": .data, "offset_trimmed": .data, "reader_expired": .data,
        "offset_beyond_end": .data, "send_offset_gap": .data,
        "upload_in_progress": .tryLater, "upload_superseded": .tryLater,
        "internal_error": .software,
    ]
}

/// Why a connection ended, for people.
enum CloseReason {
    static func text(_ reason: String?) -> String {
        switch reason {
        case "local": "it was closed on this side"
        case "finished": "both sides had ended"
        case "reset": "the peer closed it"
        case "stateless_reset": "the peer has forgotten it, as after a restart"
        case "protocol_violation": "the peer broke the rules of the protocol"
        case "idle_timeout": "nothing was heard of the peer for too long"
        case "sequence_exhausted": "its sequence numbers were used up"
        case "gateway_restart": "this gateway was restarted in between"
        case .some(let other): other
        case nil: "the gateway does not say why"
        }
    }
}
