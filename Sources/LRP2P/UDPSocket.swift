import CLinux
import Glibc

/// A bound, non-blocking UDP socket. Closed when the last reference goes away.
package final class UDPSocket: Sendable {
    /// Kernel buffer in each direction: two and a half thousand datagrams, which is what arrives
    /// during some scheduler delays at full rate.
    static let bufferBytes: Int32 = 4 << 20

    package let descriptor: Int32
    /// As bound, with the port in use.
    package let localAddress: SocketAddress
    /// Whether IPv4 addresses must be given to the kernel in their IPv4-mapped form.
    package let isIPv6: Bool
    package let reach: Reach

    /// Where a socket can send to, by the family it is bound to.
    package struct Reach: Sendable {
        let ipv4: Bool
        let ipv6: Bool

        /// Whether a datagram can be sent to the address at all.
        package func includes(_ address: SocketAddress) -> Bool {
            address.isUnicast && (address.family == .ipv4 ? ipv4 : ipv6)
        }
    }

    /// - Parameter address: port 0 picks one; `[::]` takes IPv4 as well (RFC 3493 §5.3), any other
    ///   address its own family only.
    package init(bindingTo address: SocketAddress) throws(ListenError) {
        isIPv6 = address.family == .ipv6
        reach = Reach(ipv4: !isIPv6 || address.isUnspecified, ipv6: isIPv6)
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", errno: errno) }
        do throws(ListenError) {
            if isIPv6 {
                var only: Int32 = reach.ipv4 ? 0 : 1
                guard setsockopt(
                    descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only,
                    socklen_t(MemoryLayout<Int32>.size)) == 0
                else { throw .system(operation: "setsockopt IPV6_V6ONLY", errno: errno) }
            }
            clinux_set_buffer_bytes(descriptor, UDPSocket.bufferBytes, UDPSocket.bufferBytes)
            localAddress = try UDPSocket.bind(descriptor, to: address, isIPv6: isIPv6)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Lets the kernel join datagrams of one sender. Kernels before 5.0 cannot; it goes without,
    /// then.
    package func enableReceiveTrains() {
        _ = clinux_enable_receive_trains(descriptor)
    }

    private static func bind(
        _ descriptor: Int32, to address: SocketAddress, isIPv6: Bool
    ) throws(ListenError) -> SocketAddress {
        var storage = sockaddr_storage()
        let length = address.store(into: &storage, mapped: isIPv6)
        let status = withGenericPointer(to: &storage) { Glibc.bind(descriptor, $0, length) }
        guard status == 0 else {
            switch errno {
            case EADDRINUSE: throw .addressInUse(address)
            case EACCES: throw .permissionDenied(address)
            case EADDRNOTAVAIL: throw .addressNotAvailable(address)
            default: throw .system(operation: "bind", errno: errno)
            }
        }
        var bound = sockaddr_storage()
        var boundLength = socklen_t(MemoryLayout<sockaddr_storage>.size)
        guard withGenericPointer(to: &bound, { getsockname(descriptor, $0, &boundLength) }) == 0,
            let local = SocketAddress(&bound, length: boundLength)
        else { throw .system(operation: "getsockname", errno: errno) }
        return local
    }
}

private func withGenericPointer<R>(
    to storage: inout sockaddr_storage, _ body: (UnsafeMutablePointer<sockaddr>) -> R
) -> R {
    withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
}
