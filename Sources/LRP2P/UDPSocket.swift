import CLinux
import Glibc
import Synchronization

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
    /// Whether several datagrams can leave as one message (UDP_SEGMENT, since Linux 4.18). Older
    /// kernels would send them as one datagram, so this is asked for beforehand; a device that
    /// cannot do it is noticed when it refuses one.
    var takesTrains: Bool { trains.load(ordering: .relaxed) }
    /// Whether datagrams can be marked as ECN-capable.
    var takesCodepoints: Bool { codepoints.load(ordering: .relaxed) }

    private let trains: Atomic<Bool>
    private let codepoints = Atomic(true)

    /// Where a socket can send to, by the family it is bound to.
    package struct Reach: Sendable {
        let ipv4: Bool
        let ipv6: Bool

        /// Whether a datagram can be sent to the address at all.
        package func includes(_ address: SocketAddress) -> Bool {
            address.isUnicast && (address.family == .ipv4 ? ipv4 : ipv6)
        }
    }

    /// - Parameters:
    ///   - address: port 0 picks one; `[::]` takes IPv4 as well (RFC 3493 §5.3), any other address
    ///     its own family only.
    ///   - sharesPort: it may have the address of another socket of this user that shares its
    ///     port too.
    package init(
        bindingTo address: SocketAddress, sharesPort: Bool = false
    ) throws(ListenError) {
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
            if sharesPort { try UDPSocket.sharePort(descriptor) }
            clinux_set_buffer_bytes(descriptor, UDPSocket.bufferBytes, UDPSocket.bufferBytes)
            localAddress = try UDPSocket.bind(descriptor, to: address, isIPv6: isIPv6)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        trains = Atomic(clinux_knows_send_trains(descriptor) == 0)
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// A train was refused for a reason that holds for all.
    func giveUpTrains() {
        trains.store(false, ordering: .relaxed)
    }

    func giveUpCodepoints() {
        codepoints.store(false, ordering: .relaxed)
    }

    /// Lets the kernel join datagrams of one sender. Kernels before 5.0 cannot; it goes without,
    /// then.
    package func enableReceiveTrains() {
        _ = clinux_enable_receive_trains(descriptor)
    }

    /// Lets the kernel tell the ECN codepoint of what arrives; one that cannot tells nothing.
    package func enableReceiveCodepoints() {
        _ = clinux_enable_receive_codepoints(descriptor, isIPv6)
    }

    /// Lets further sockets have the address.
    func sharePort() throws(ListenError) {
        try UDPSocket.sharePort(descriptor)
    }

    private static func sharePort(_ descriptor: Int32) throws(ListenError) {
        let status = clinux_share_port(descriptor)
        guard status == 0 else {
            throw .system(operation: "setsockopt SO_REUSEPORT", errno: -status)
        }
    }

    /// Lets the kernel choose, among the sockets that share this one's port, by the connection id
    /// (see `Shard`). To be called when all are bound.
    ///
    /// - Returns: false when it cannot (before Linux 4.5, and in some sandboxes).
    func selectByConnectionID(among sockets: Int) -> Bool {
        clinux_select_by_connection_id(descriptor, UInt32(sockets)) == 0
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
