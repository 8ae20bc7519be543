/// What a token may be used for.
public enum Scope: String, CaseIterable, Hashable, Sendable {
    /// Everything under `/v1` that sends nothing to a peer: looking, reading, acknowledging.
    case read
    /// Connecting, sending, closing.
    case write
    /// `/metrics`.
    case metrics
}

/// Who may use a route. Every route has one.
enum RouteAccess: Sendable, Equatable {
    /// Everybody who gets this far.
    case open
    /// A client that is known; where there is nothing to be allowed, as at an unknown path.
    case known
    case scope(Scope)
}

/// Who made a request, as far as access is concerned.
struct Principal: Sendable, Equatable {
    enum Kind: String, Sendable {
        /// By a token of the token file.
        case token
        /// By a TLS client certificate.
        case certificate
        /// By nothing but where the request came from: no token and no certificate is needed.
        case address
    }

    let kind: Kind
    /// The name of the token, the subject of the certificate, or the address without its port.
    let name: String
    let scopes: Set<Scope>
}
