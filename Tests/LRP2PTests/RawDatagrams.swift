import Glibc

@testable import LRP2P

/// Sends one datagram of any length past all batching; what `sendto` returns.
func sendRaw(
    _ bytes: UnsafeMutableRawBufferPointer, from socket: UDPSocket, to address: SocketAddress
) -> Int {
    var storage = sockaddr_storage()
    let length = address.store(into: &storage, mapped: socket.isIPv6)
    return withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(socket.descriptor, bytes.baseAddress, bytes.count, 0, $0, length)
        }
    }
}
