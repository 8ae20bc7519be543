import CLinux
import Glibc

/// Datagrams on their way into one system call. Bounded: when it is full it must be flushed first.
package struct SendBatch: ~Copyable {
    package static let slotBytes = 2048

    private let batch: UnsafeMutablePointer<clinux_batch>
    private var firstUnsent = 0
    private var count = 0
    /// Datagrams the kernel would not take: no route, a firewall's veto, larger than the path.
    package private(set) var failures: UInt64 = 0

    package init(capacity: Int) throws(ListenError) {
        guard let batch = clinux_batch_create(UInt32(capacity), UInt32(SendBatch.slotBytes)) else {
            throw .system(operation: "malloc", errno: ENOMEM)
        }
        self.batch = batch
    }

    deinit {
        clinux_batch_free(batch)
    }

    package var isEmpty: Bool { firstUnsent == count }
    package var isFull: Bool { count == Int(batch.pointee.capacity) }

    /// Where the next datagram is to be written. Only while the batch is not full.
    package var nextSlot: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: batch.pointee.bytes + count * batch.pointee.stride, count: SendBatch.slotBytes)
    }

    /// Takes in the datagram that was written to ``nextSlot``.
    package mutating func append(
        length: Int, to destination: SocketAddress, from socket: UDPSocket
    ) {
        batch.pointee.lengths[count] = UInt32(length)
        batch.pointee.address_lengths[count] = destination.store(
            into: batch.addresses + count, mapped: socket.isIPv6)
        count += 1
    }

    /// Sends everything, without blocking. A datagram the kernel refuses is dropped and counted: to
    /// the protocol it is lost like any other.
    ///
    /// - Returns: false when the socket buffer is full; what is left stays for the next call.
    package mutating func flush(to socket: UDPSocket) -> Bool {
        var trains = true
        while firstUnsent < count {
            let sent = clinux_batch_send(
                batch, socket.descriptor, UInt32(firstUnsent), UInt32(count), trains)
            if sent > 0 {
                firstUnsent += Int(sent)
            } else if sent == -EAGAIN {
                return false
            } else if trains {
                // The error may be about the train (no offload, a smaller path), not the datagram.
                trains = false
            } else {
                firstUnsent += 1
                failures += 1
            }
        }
        firstUnsent = 0
        count = 0
        return true
    }

    /// Sends everything, and gives up what the socket does not take at once.
    package mutating func flushOrDiscard(to socket: UDPSocket) -> (sent: Int, failed: Int) {
        let total = count - firstUnsent, failuresBefore = failures
        let unsent = flush(to: socket) ? 0 : count - firstUnsent
        firstUnsent = 0
        count = 0
        let failed = unsent + Int(failures - failuresBefore)
        return (total - failed, failed)
    }
}
