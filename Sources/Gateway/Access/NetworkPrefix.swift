import LRP2P

/// A network in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3): `10.0.0.0/8`, `2001:db8::/32`; an
/// address alone is a network of one.
///
/// IPv4-mapped IPv6 networks (`::ffff:10.0.0.0/104`) are IPv4 ones, as their addresses are
/// everywhere. A plain value.
public struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
    private let address: SocketAddress
    /// Bits that count: 0...32 or 0...128.
    public let length: Int

    /// `nil` when it is none, and when bits beyond the length are set: `10.0.0.1/8` could mean the
    /// host or the network, and a list of who may be dialled is no place for guessing.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.contains("%") else { return nil }
        let isIPv6Text = host.contains(":")
        guard let address = SocketAddress(isIPv6Text ? "[\(host)]:0" : "\(host):0") else {
            return nil
        }
        let bits = isIPv6Text ? 128 : 32
        var length = bits
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= bits
            else { return nil }
            length = number
        }
        if isIPv6Text, address.family == .ipv4 {
            // One that is wider than all of IPv4 has bits of the mapping beyond its length.
            guard length >= 96 else { return nil }
            length -= 96
        }
        self.address = address
        self.length = length
        guard mask(address) == (address.high, address.low) else { return nil }
    }

    /// What ``init(_:)`` takes, for messages.
    public static let allowed =
        "a network such as 10.0.0.0/8 or 2001:db8::/32, with no bit set beyond its length, or an "
        + "address"

    /// Whether the host of an address is in the network. Its zone does not matter.
    public func contains(_ other: SocketAddress) -> Bool {
        other.family == address.family && mask(other) == (address.high, address.low)
    }

    private func mask(_ other: SocketAddress) -> (UInt64, UInt64) {
        // A shift by all bits of a word gives 0 in Swift.
        switch address.family {
        case .ipv4: (0, other.low & ~(UInt64(0xffff_ffff) >> UInt64(length)))
        case .ipv6:
            (
                other.high & ~(UInt64.max >> UInt64(min(length, 64))),
                other.low & ~(UInt64.max >> UInt64(max(length - 64, 0)))
            )
        }
    }

    public var description: String {
        let text = address.description.dropLast(2)
        let host = text.hasPrefix("[") ? text.dropFirst().dropLast() : text
        return "\(host)/\(length)"
    }
}
