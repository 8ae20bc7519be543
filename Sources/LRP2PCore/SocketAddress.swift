/// An IPv4 or IPv6 address with a UDP port.
///
/// A plain value without pointers, cheap to copy and to hash. IPv4-mapped IPv6 addresses
/// (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) are the same as their IPv4 form: a dual-stack socket
/// reports one peer under one address.
public struct SocketAddress: Hashable, Sendable {
    /// The version of IP.
    public enum Family: UInt8, Sendable {
        /// 32 bits.
        case ipv4
        /// 128 bits.
        case ipv6
    }

    /// IPv4 for IPv4-mapped IPv6 addresses, too.
    public let family: Family
    /// The UDP port, in host byte order.
    public let port: UInt16
    /// The zone of a link-local IPv6 address (an interface index), else 0.
    public let scopeID: UInt32
    /// The address in network order, most significant byte first; IPv4 in the low 32 bits of `low`.
    public let high: UInt64
    /// The lower half of the address; all of it for IPv4.
    public let low: UInt64

    public init(ipv4: UInt32, port: UInt16) {
        family = .ipv4
        high = 0
        low = UInt64(ipv4)
        scopeID = 0
        self.port = port
    }

    public init(ipv6High: UInt64, low: UInt64, scopeID: UInt32 = 0, port: UInt16) {
        let isMapped = ipv6High == 0 && low >> 32 == 0xffff
        family = isMapped ? .ipv4 : .ipv6
        high = ipv6High
        self.low = isMapped ? low & 0xffff_ffff : low
        self.scopeID = isMapped ? 0 : scopeID
        self.port = port
    }

    /// `127.0.0.1` with the given port.
    public static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(ipv4: 0x7f00_0001, port: port)
    }

    /// The same host with another port.
    public func with(port: UInt16) -> SocketAddress {
        switch family {
        case .ipv4: SocketAddress(ipv4: UInt32(truncatingIfNeeded: low), port: port)
        case .ipv6: SocketAddress(ipv6High: high, low: low, scopeID: scopeID, port: port)
        }
    }

    /// The host without the port: the unit by which limits per source address count.
    public var host: Host { Host(family: family, scopeID: scopeID, high: high, low: low) }

    /// An address without a port.
    public struct Host: Hashable, Sendable {
        /// As ``SocketAddress/family``.
        public let family: Family
        /// As ``SocketAddress/scopeID``.
        public let scopeID: UInt32
        /// As ``SocketAddress/high``.
        public let high: UInt64
        /// As ``SocketAddress/low``.
        public let low: UInt64
    }
}
