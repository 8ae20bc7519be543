import CLinux
import Glibc

/// Buffers into which one system call receives many datagrams.
///
/// The kernel may join datagrams of one sender and one length in one slot (UDP_GRO); here they come
/// apart again.
package struct ReceiveBatch: ~Copyable {
    /// Enough for what one train of the kernel can carry. Untouched memory costs address space
    /// only.
    private static let slotBytes: UInt32 = 65_535
    /// A longer datagram is not the protocol's, and is dropped: twice what a reference peer takes.
    package static let maximumDatagramBytes = 2048

    private let batch: UnsafeMutablePointer<clinux_batch>

    /// - Parameter capacity: slots per system call.
    package init(capacity: Int) throws(ListenError) {
        guard let batch = clinux_batch_create(UInt32(capacity), ReceiveBatch.slotBytes) else {
            throw .system(operation: "malloc", errno: ENOMEM)
        }
        self.batch = batch
    }

    deinit {
        clinux_batch_free(batch)
    }

    package var capacity: Int { Int(batch.pointee.capacity) }

    /// Receives what waits, without blocking, and returns the number of slots filled.
    ///
    /// Errors are those of earlier sends that the network reported late; they say nothing about
    /// what waits to be received, and the next call gets past them.
    package func receive(from socket: UDPSocket) -> Int {
        max(0, Int(clinux_batch_receive(batch, socket.descriptor)))
    }

    /// Calls `body` with each datagram of a slot, which it may change but not keep.
    ///
    /// - Returns: how many datagrams were dropped because they were too long.
    @inline(__always)
    package func forEachDatagram(
        in slot: Int, _ body: (UnsafeMutableRawBufferPointer, SocketAddress) -> Void
    ) -> Int {
        let length = Int(batch.pointee.lengths[slot])
        let segment = Int(batch.pointee.segment_lengths[slot])
        guard let source = SocketAddress(
            batch.addresses + slot, length: batch.pointee.address_lengths[slot])
        else { return 0 }
        let base = UnsafeMutableRawPointer(batch.pointee.bytes + slot * batch.pointee.stride)
        if length == 0 {
            body(UnsafeMutableRawBufferPointer(start: base, count: 0), source)
            return 0
        }
        guard segment > 0 else { return 1 }
        guard segment <= ReceiveBatch.maximumDatagramBytes else {
            return (length + segment - 1) / segment
        }
        var offset = 0
        while offset < length {
            let count = min(segment, length - offset)
            body(UnsafeMutableRawBufferPointer(start: base + offset, count: count), source)
            offset += count
        }
        return 0
    }
}
