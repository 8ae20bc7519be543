import LRP2P

/// A block of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), or one address.
struct Network: Hashable, Sendable, CustomStringConvertible {
    /// With port 0 and nothing set beyond the prefix.
    let address: SocketAddress
    let prefixLength: Int

    /// `nil` unless it is an address literal with an optional length. Bits beyond the prefix have
    /// to be 0: `10.0.0.1/8` is more likely a mistake than the network it is in.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first.map(String.init),
            let address = SocketAddress(host.contains(":") ? "[\(host)]:0" : "\(host):0")
        else { return nil }
        let bits = address.family == .ipv4 ? 32 : 128
        let digits = parts.count == 2 ? String(parts[1]) : "\(bits)"
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(digits),
            length <= bits, Self.trailingZeros(address) >= bits - length
        else { return nil }
        self.address = address
        prefixLength = length
    }

    private static func trailingZeros(_ address: SocketAddress) -> Int {
        if address.low != 0 { return address.low.trailingZeroBitCount }
        return 64 + address.high.trailingZeroBitCount
    }

    var description: String {
        let host = address.description.dropLast(2)
        let bare = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
        return "\(bare)/\(prefixLength)"
    }
}
