import HTTPTypes
import LRP2P

extension ProblemDetails {
    init(_ error: AccessError) {
        switch error {
        case .crossOrigin(let origin):
            self.init(
                .forbidden, "cross_origin",
                "A page of \(origin) may not use this gateway; only its own pages may.")
        case .hostNotAllowed(let host):
            self.init(
                .forbidden, "host_not_allowed",
                "This gateway is not served as \(host): on a loopback address it is localhost or a "
                    + "loopback address, else its own address, or a name that was allowed.")
        case .tokenRequired, .invalidToken, .insufficientScope, .certificateRequired:
            self.init(credentials: error)
        case .tooManyFailures(let wait):
            self.init(
                .tooManyRequests, "rate_limited",
                "Too many wrong tokens came from this address.", retryable: true)
            retryAfterSeconds = wait.inWholeSeconds
        case .rateLimited(let wait):
            self.init(
                .tooManyRequests, "rate_limited",
                "This client makes requests faster than it may.", retryable: true)
            retryAfterSeconds = wait.inWholeSeconds
        case .tooManyWaiters(let limit):
            self.init(
                .tooManyRequests, "too_many_waiters",
                "\(limit) requests of this client are waiting, the most allowed.",
                retryable: true)
            retryAfterSeconds = 1
        case .tooManyUploads(let limit):
            self.init(
                .tooManyRequests, "too_many_uploads",
                "\(limit) uploads of this client are under way, the most allowed.",
                retryable: true)
            retryAfterSeconds = 1
        case .dialNotAllowed(let address, let refusal):
            self.init(
                .forbidden, "dial_not_allowed",
                "This gateway may not connect to \(address): \(Self.text(refusal)).")
        case .peerNotAllowed(let peer):
            self.init(
                .forbidden, "peer_not_allowed",
                "The peer \(peer) is not on this gateway's list of peers.")
        }
    }

    /// The challenges of RFC 6750 §3.
    private init(credentials error: AccessError) {
        let realm = "Bearer realm=\"\(BearerCredentials.realm)\""
        switch error {
        case .invalidToken:
            self.init(.unauthorized, "invalid_token", "The token is not known here.")
            challenge = "\(realm), error=\"invalid_token\""
        case .insufficientScope(let scope):
            self.init(
                .forbidden, "insufficient_scope",
                "This needs a token with the scope \(scope.rawValue).")
            challenge =
                "\(realm), error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
        case .certificateRequired:
            self.init(
                .forbidden, "certificate_required",
                "This needs a TLS client certificate that the gateway trusts.")
        default:
            self.init(
                .unauthorized, "token_required",
                "This needs a token, in the header field Authorization: Bearer TOKEN.")
            challenge = realm
        }
    }

    private static func text(_ refusal: DialPolicy.Refusal) -> String {
        switch refusal {
        case .denied(let network): "the network \(network) is denied"
        case .notAllowed: "it is in no network that is allowed"
        case .ownHTTPPort: "it is the HTTP port of this machine's gateway"
        }
    }
}

extension Duration {
    /// Rounded up, and 1 at least: what `Retry-After` can say (RFC 9110 §10.2.3).
    var inWholeSeconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0))
    }
}
