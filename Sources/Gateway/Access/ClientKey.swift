import LRP2P
import Synchronization

/// Whom a limit counts for.
enum ClientKey: Hashable, Sendable {
    case ipv4(UInt32)
    /// The upper half: the /64 that one host has (RFC 4291 §2.5.4).
    case ipv6(network: UInt64)
    /// Nobody knows where from. All of them together are one client.
    case unknown
    case token(String)
    case certificate(String)
}

/// Where a request came from.
struct ClientAddress: Sendable, Equatable {
    /// Without the port; for logs.
    let host: String
    let key: ClientKey
    /// A program of this machine, or a proxy on it.
    let isLoopback: Bool

    /// - Parameter text: `address:port` or `[address]:port`.
    init(_ text: String) {
        guard let address = SocketAddress(text) else {
            host = "unknown"
            key = .unknown
            isLoopback = false
            return
        }
        // Without the brackets.
        let end = text.lastIndex(of: ":") ?? text.endIndex
        host = text[..<end].trimmingBrackets
        isLoopback = address.isLoopback
        switch address.family {
        case .ipv4: key = .ipv4(UInt32(truncatingIfNeeded: address.low))
        case .ipv6: key = .ipv6(network: address.high)
        }
    }
}

/// What the client of one request may take at one time, over all its requests.
struct ClientAllowance: Sendable, Equatable {
    /// The limits hold for each.
    let keys: [ClientKey]
    let maximumWaiters: Int
    let maximumUploads: Int
}

/// How many requests of each client do something at this moment. Has no more entries than there are
/// such requests.
final class ClientCounts: Sendable {
    private let counts = Mutex<[ClientKey: Int]>([:])

    /// Clients that have any.
    var clients: Int { counts.withLock { $0.count } }

    /// Runs `body` and counts it, for all of the keys or, when one has reached its limit, for none.
    func count<Value>(
        _ keys: [ClientKey], limit: Int, otherwise error: GatewayError,
        _ body: () async throws(GatewayError) -> Value
    ) async throws(GatewayError) -> Value {
        guard enter(keys, limit: limit) else { throw error }
        defer { leave(keys) }
        return try await body()
    }

    /// False when one of the keys has reached its limit; none is counted then.
    func enter(_ keys: [ClientKey], limit: Int) -> Bool {
        counts.withLock { counts in
            guard keys.allSatisfy({ counts[$0, default: 0] < limit }) else { return false }
            for key in keys { counts[key, default: 0] += 1 }
            return true
        }
    }

    func leave(_ keys: [ClientKey]) {
        counts.withLock { counts in
            for key in keys {
                let left = counts[key, default: 1] - 1
                counts[key] = left > 0 ? left : nil
            }
        }
    }
}

extension Substring {
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") ? String(dropFirst().dropLast()) : String(self)
    }
}
