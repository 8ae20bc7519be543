import CLinux
import Glibc

extension SocketAddress {
    /// `nil` for a family other than IPv4 and IPv6, and when `length` is too short for its family.
    @inline(__always)
    init?(_ storage: UnsafePointer<sockaddr_storage>, length: socklen_t) {
        let raw = UnsafeRawPointer(storage)
        switch Int32(storage.pointee.ss_family) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let address = raw.assumingMemoryBound(to: sockaddr_in.self).pointee
            self.init(
                ipv4: UInt32(bigEndian: address.sin_addr.s_addr),
                port: UInt16(bigEndian: address.sin_port))
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let address = raw.assumingMemoryBound(to: sockaddr_in6.self).pointee
            let halves = withUnsafeBytes(of: address.sin6_addr) {
                (
                    UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                    UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(
                ipv6High: halves.0, low: halves.1, scopeID: address.sin6_scope_id,
                port: UInt16(bigEndian: address.sin6_port))
        default: return nil
        }
    }

    /// Writes the form the kernel takes and returns its length.
    ///
    /// - Parameter mapped: the socket is an IPv6 one, which takes an IPv4 address only as
    ///   `::ffff:a.b.c.d`.
    @inline(__always)
    func store(into storage: UnsafeMutablePointer<sockaddr_storage>, mapped: Bool) -> socklen_t {
        let raw = UnsafeMutableRawPointer(storage)
        if family == .ipv4 && !mapped {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            raw.storeBytes(of: address, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_scope_id = scopeID
        let low = family == .ipv4 ? 0xffff_0000_0000 | self.low : self.low
        withUnsafeMutableBytes(of: &address.sin6_addr) {
            $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        raw.storeBytes(of: address, as: sockaddr_in6.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
}

extension SocketAddress {
    /// The "any" address of its family: `0.0.0.0` or `::`.
    var isUnspecified: Bool { high == 0 && low == 0 }

    /// Whether a datagram can be addressed to one peer at it: a port, and neither the "any" address
    /// nor one that names many hosts (multicast, limited broadcast).
    var isUnicast: Bool {
        guard port != 0, !isUnspecified else { return false }
        switch family {
        case .ipv4: return low >> 28 != 0xe && low != 0xffff_ffff
        case .ipv6: return high >> 56 != 0xff
        }
    }
}

extension UnsafeMutablePointer<clinux_batch> {
    /// The address of each slot.
    @inline(__always)
    var addresses: UnsafeMutablePointer<sockaddr_storage> {
        pointee.addresses.assumingMemoryBound(to: sockaddr_storage.self)
    }
}
