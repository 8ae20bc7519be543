import LRP2P

/// A host and a port as people write them: `127.0.0.1:8080`, `[::1]:8080`, `example.org:3030`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address literal, without brackets.
    public let host: String
    /// In host byte order.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// An IPv6 literal needs its brackets: `::1:80` could mean two things (RFC 3986 §3.2.2).
    public init?(_ text: String) {
        guard let (host, port) = Self.split(text), let port,
            port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(port)
        else { return nil }
        self.init(host: host, port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address, when the host is a literal or `localhost`; names are not looked up.
    public var socketAddress: SocketAddress? {
        host == "localhost" ? .loopback(port: port) : SocketAddress(description)
    }

    /// Whether only this machine can reach a server bound to the host.
    public var isLoopback: Bool { Self.isLoopback(host: host) }

    static func isLoopback(host: String) -> Bool {
        HostPort(host: host, port: 0).socketAddress?.isLoopback ?? false
    }

    /// Splits `host`, `host:port`, `[v6]` and `[v6]:port`; `nil` when it is none of them.
    static func split(_ text: String) -> (host: String, port: String?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
            if rest.isEmpty { return (host, nil) }
            return rest.hasPrefix(":") ? (host, String(rest.dropFirst())) : nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty, !host.contains("]")
        else { return nil }
        return (String(host), parts.count == 2 ? String(parts[1]) : nil)
    }
}
