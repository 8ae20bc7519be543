import Glibc
import LRP2P

/// A blocking UDP socket on IPv4's loopback: what the yardsticks use, so that they owe nothing to
/// the code they are held against.
final class PlainUDPSocket: Sendable {
    /// `UDP_SEGMENT` and `UDP_GRO` of <linux/udp.h>, at the level `IPPROTO_UDP`.
    private static let udpSegment: Int32 = 103
    private static let udpReceiveOffload: Int32 = 104
    /// As the protocol's own socket has.
    private static let bufferBytes: Int32 = 4 << 20
    /// The largest UDP payload over IPv4.
    static let maximumTrainBytes = 65_507
    /// Datagrams that leave with one system call, at most (UDP_MAX_SEGMENTS before Linux 6.9).
    static let maximumTrainDatagrams = 64

    let descriptor: Int32
    let port: UInt16

    init() throws(BenchError) {
        let descriptor = socket(
            AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), Int32(IPPROTO_UDP))
        guard descriptor >= 0 else { throw .system(operation: "socket", errno: errno) }
        var name = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) == 0 ? getsockname(descriptor, name, &length) : -1
            }
        }
        guard status == 0 else {
            let code = errno
            close(descriptor)
            throw .system(operation: "bind", errno: code)
        }
        self.descriptor = descriptor
        port = UInt16(bigEndian: name.sin_port)
        for option in [SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF] {
            // The first two need a privilege; where it is missing they change nothing.
            set(SOL_SOCKET, option, Self.bufferBytes)
        }
    }

    deinit {
        close(descriptor)
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return name
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// From now on sends to this port, and receives from it alone.
    func connect(to port: UInt16) throws(BenchError) {
        var name = Self.loopback(port: port)
        let status = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] name in
                Glibc.connect(descriptor, name, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw .system(operation: "connect", errno: errno) }
    }

    /// Lets the kernel cut what is sent at once into datagrams of this size.
    func cutTrains(into datagramBytes: Int) {
        set(Int32(IPPROTO_UDP), Self.udpSegment, Int32(datagramBytes))
    }

    /// Lets the kernel join datagrams of one sender.
    func joinTrains() {
        set(Int32(IPPROTO_UDP), Self.udpReceiveOffload, 1)
    }

    /// Gives up receiving after this long.
    func limitWaiting(seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Returns the bytes sent, or less than 0.
    @discardableResult
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
    }

    /// Returns the bytes received, or less than 0.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        recv(descriptor, buffer.baseAddress, buffer.count, 0)
    }

    /// Sends the next datagram that comes back to where it came from.
    func sendBackOne(using buffer: UnsafeMutableRawBufferPointer) {
        var source = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &source) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] source in
                let count = recvfrom(
                    descriptor, buffer.baseAddress, buffer.count, 0, source, &length)
                if count >= 0 { sendto(descriptor, buffer.baseAddress, count, 0, source, length) }
            }
        }
    }
}

/// Memory for one train of datagrams.
struct TrainBuffer: ~Copyable {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)

    deinit {
        bytes.deallocate()
    }

    /// Datagrams of one size that fit into a train.
    static func datagrams(ofSize bytes: Int) -> Int {
        max(1, min(
            PlainUDPSocket.maximumTrainDatagrams, PlainUDPSocket.maximumTrainBytes / bytes))
    }
}
