import Glibc

extension SocketAddress: CustomStringConvertible {
    /// Longest text of a host that is looked at: an IPv6 address with an interface name as its
    /// zone.
    private static let maximumHostBytes = Int(INET6_ADDRSTRLEN) + 1 + Int(IF_NAMESIZE)

    /// Parses `HOST:PORT` with a numeric host: `127.0.0.1:3030`, `[::1]:3030`,
    /// `[fe80::1%eth0]:3030`.
    ///
    /// A zone is an interface's name or its index, and must exist when it is a name. For host names
    /// see ``resolve(_:)``.
    public init?(_ text: String) {
        guard let (host, port) = SocketAddress.split(text),
            let port = SocketAddress.parsePort(port)
        else { return nil }
        self.init(host: host.name, isBracketed: host.isBracketed, port: port)
    }

    /// Splits `HOST:PORT` at the last colon and takes the brackets off.
    static func split(
        _ text: String
    ) -> (host: (name: String, isBracketed: Bool), port: Substring)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        let port = text[text.index(after: colon)...]
        if host.first == "[" {
            guard host.last == "]", host.count > 2 else { return nil }
            return ((String(host.dropFirst().dropLast()), true), port)
        }
        guard !host.isEmpty, !host.contains(":") else { return nil }
        return ((String(host), false), port)
    }

    /// Digits only: no sign, no space.
    static func parsePort(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
    }

    /// An IPv6 address stands in brackets, an IPv4 address without (RFC 3986 §3.2.2).
    init?(host: String, isBracketed: Bool, port: UInt16) {
        guard host.utf8.count <= SocketAddress.maximumHostBytes, !host.utf8.contains(0) else {
            return nil
        }
        if !isBracketed {
            var address = in_addr()
            guard inet_pton(AF_INET, host, &address) == 1 else { return nil }
            self.init(ipv4: UInt32(bigEndian: address.s_addr), port: port)
            return
        }
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(parts[0]), &address) == 1 else { return nil }
        var scopeID: UInt32 = 0
        if parts.count == 2 {
            scopeID = UInt32(parts[1]) ?? if_nametoindex(String(parts[1]))
            guard scopeID != 0 else { return nil }
        }
        let halves = withUnsafeBytes(of: address) {
            (
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(ipv6High: halves.0, low: halves.1, scopeID: scopeID, port: port)
    }

    /// `HOST:PORT`, an IPv6 host in brackets and in the canonical form of RFC 5952, with its zone
    /// as an interface name where the interface exists.
    public var description: String { "\(hostText):\(port)" }

    private var hostText: String {
        var storage = sockaddr_storage()
        _ = store(into: &storage, mapped: false)
        let text = withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)
        ) { buffer -> String in
            buffer.initialize(repeating: 0)
            withUnsafeBytes(of: storage) { raw in
                let offset = family == .ipv4
                    ? MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)
                    : MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)
                _ = inet_ntop(
                    family == .ipv4 ? AF_INET : AF_INET6, raw.baseAddress! + (offset ?? 0),
                    buffer.baseAddress!, socklen_t(buffer.count))
            }
            return String(cString: buffer.baseAddress!)
        }
        return family == .ipv4 ? text : "[\(text)\(zoneText)]"
    }

    private var zoneText: String {
        guard scopeID != 0 else { return "" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
            guard let base = buffer.baseAddress, if_indextoname(scopeID, base) != nil else {
                return "%\(scopeID)"
            }
            return "%" + String(cString: base)
        }
    }
}
