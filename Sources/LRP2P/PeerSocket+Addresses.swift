import Glibc

extension PeerSocket {
    /// Where peers can reach this socket, as far as this host knows: ``localAddress``, or for a
    /// socket bound to every address those of the host's interfaces, loopback last.
    ///
    /// Asked of the kernel each time. Link-local IPv6 addresses are left out, because their zone
    /// means nothing to another host. What a NAT makes of an address is not known here.
    public var reachableAddresses: [SocketAddress] {
        guard localAddress.isUnspecified else { return [localAddress] }
        var addresses: [SocketAddress] = []
        var loopback: [SocketAddress] = []
        SocketAddress.forEachInterface { address, isLoopback in
            let address = address.with(port: localAddress.port)
            guard reach.includes(address), !address.isLinkLocal else { return }
            if isLoopback { loopback.append(address) } else { addresses.append(address) }
        }
        return addresses + loopback
    }
}

extension SocketAddress {
    /// Whether what is sent to this address stays on this host: a loopback address, one of its
    /// interfaces', or the "any" address. Asks the kernel each time. The zone of a link-local address
    /// is not looked at: who owns the address in any zone owns it.
    public var isOfThisHost: Bool {
        if isLoopback || isUnspecified { return true }
        var isFound = false
        Self.forEachInterface { address, _ in
            isFound = isFound
                || (address.family == family && address.high == high && address.low == low)
        }
        return isFound
    }

    /// `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        switch family {
        case .ipv4: low >> 24 == 127
        case .ipv6: high == 0 && low == 1
        }
    }

    /// The addresses of the interfaces that are up, without a port. None when the kernel does not
    /// tell.
    fileprivate static func forEachInterface(
        _ body: (_ address: SocketAddress, _ isLoopback: Bool) -> Void
    ) {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return }
        defer { freeifaddrs(list) }
        var next = list
        while let interface = next {
            next = interface.pointee.ifa_next
            guard interface.pointee.ifa_flags & UInt32(IFF_UP) != 0,
                let address = SocketAddress(interface.pointee.ifa_addr)
            else { continue }
            body(address, interface.pointee.ifa_flags & UInt32(IFF_LOOPBACK) != 0)
        }
    }

    /// An interface's address. `nil` for families other than IPv4 and IPv6.
    fileprivate init?(_ address: UnsafeMutablePointer<sockaddr>?) {
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
    }

    /// `fe80::/10` (RFC 4291 §2.5.6).
    fileprivate var isLinkLocal: Bool { family == .ipv6 && high >> 54 == 0x3fa }
}
