/// What a datagram is, told from its outside.
enum WireKind: Equatable {
    /// The number of the handshake message, 1 ... 3.
    case handshake(Int)
    /// A responder under load asks for message 1 with a cookie.
    case retry
    /// Number: the nonce of the base protocol, the packet number of the extended one.
    case data(number: UInt64)
    case statelessReset

    /// Travels with the datagram, so that its receiver's checks know what was sent.
    var label: UInt64 {
        switch self {
        case .handshake(let message): UInt64(message)
        case .retry: 4
        case .data: 5
        case .statelessReset: 6
        }
    }

    static let dataLabel = WireKind.data(number: 0).label
}

extension WireKind: CustomStringConvertible {
    var description: String {
        switch self {
        case .handshake(let message): "h\(message)"
        case .retry: "retry"
        case .data(let number): "d\(number)"
        case .statelessReset: "reset"
        }
    }
}
