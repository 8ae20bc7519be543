import Glibc

extension PeerSocket {
    /// Where peers can reach this socket, as far as this host knows: ``localAddress``, or for a
    /// socket bound to every address those of the host's interfaces, loopback last.
    ///
    /// Asked of the kernel each time. Link-local IPv6 addresses are left out, because their zone
    /// means nothing to another host. What a NAT makes of an address is not known here.
    public var reachableAddresses: [SocketAddress] {
        guard localAddress.isUnspecified else { return [localAddress] }
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [SocketAddress] = []
        var loopback: [SocketAddress] = []
        var next = list
        while let interface = next {
            next = interface.pointee.ifa_next
            guard interface.pointee.ifa_flags & UInt32(IFF_UP) != 0,
                let address = SocketAddress(interface.pointee.ifa_addr, port: localAddress.port),
                reach.includes(address), !address.isLinkLocal
            else { continue }
            let isLoopback = interface.pointee.ifa_flags & UInt32(IFF_LOOPBACK) != 0
            if isLoopback { loopback.append(address) } else { addresses.append(address) }
        }
        return addresses + loopback
    }
}

extension SocketAddress {
    /// An interface's address with a port. `nil` for families other than IPv4 and IPv6.
    fileprivate init?(_ address: UnsafeMutablePointer<sockaddr>?, port: UInt16) {
        guard let address else { return nil }
        // The kernel's storage is only as long as its family needs.
        var storage = sockaddr_storage()
        let length =
            switch Int32(address.pointee.sa_family) {
            case AF_INET: MemoryLayout<sockaddr_in>.size
            case AF_INET6: MemoryLayout<sockaddr_in6>.size
            default: 0
            }
        guard length > 0 else { return nil }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
        }
        self.init(&storage, length: socklen_t(length))
        self = with(port: port)
    }

    /// `fe80::/10` (RFC 4291 §2.5.6).
    fileprivate var isLinkLocal: Bool { family == .ipv6 && high >> 54 == 0x3fa }
}
