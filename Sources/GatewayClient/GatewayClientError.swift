/// Why a request to a gateway came to nothing. Each says what was seen; what to do about it is for
/// the program that asked.
public enum GatewayClientError: Error, Equatable, Sendable {
    /// Nobody takes the HTTP connection, or the host name has no address.
    case unreachable(String)
    /// The HTTP connection broke off before the answer was complete.
    case interrupted(String)
    /// Nothing moved for longer than the request may be silent.
    case silent
    /// The two sides do not trust each other's certificate, or cannot speak TLS.
    case untrusted(String)
    /// The URL, or a file named in the configuration, cannot be used.
    case unusable(String)
    /// The caller's `keepsGoing` said no.
    case cancelled
    /// The gateway's own words.
    case problem(Problem)
    /// Something answers that is no gateway.
    case notAGateway(status: Int)

    /// Whether the same request may succeed later without anybody doing anything else. Whether it
    /// has had an effect is not known.
    public var isTransient: Bool {
        switch self {
        case .unreachable, .interrupted, .silent: true
        case .problem(let problem): problem.retryable
        case .untrusted, .unusable, .cancelled, .notAGateway: false
        }
    }
}

/// An error as the gateway tells it (RFC 9457).
public struct Problem: Error, Equatable, Sendable, Decodable {
    /// The HTTP status, from 400 to 599.
    public let status: Int
    /// What happened, for people.
    public let detail: String
    /// What happened, for programs; the values are listed with the HTTP API.
    public let code: String
    /// Whether the same request can succeed later without anything else being done.
    public let retryable: Bool
    /// Of the connection that the request was about, where it helps, as are the next two:
    /// everything before this position has been taken by the gateway.
    public let acceptedOffset: UInt64?
    /// Everything before this position has been acknowledged by the peer.
    public let acknowledgedOffset: UInt64?
    /// Why the connection is closed, as a word that the HTTP API lists.
    public let closeReason: String?

    public init(
        status: Int, detail: String, code: String, retryable: Bool = false,
        acceptedOffset: UInt64? = nil, acknowledgedOffset: UInt64? = nil,
        closeReason: String? = nil
    ) {
        (self.status, self.detail, self.code) = (status, detail, code)
        self.retryable = retryable
        self.acceptedOffset = acceptedOffset
        self.acknowledgedOffset = acknowledgedOffset
        self.closeReason = closeReason
    }
}
