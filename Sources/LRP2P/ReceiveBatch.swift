import CLinux
import Glibc

/// Buffers into which one system call receives many datagrams.
///
/// The kernel may join datagrams of one sender and one length in one slot (UDP_GRO); here they come
/// apart again. It never joins ones of different ECN codepoints.
///
/// Memory the kernel has once written to stays resident: 2 MiB with 32 slots, after as many of the
/// longest messages have come with one call. Of a socket that is not so busy it is less, because
/// slots are filled from the first on.
package struct ReceiveBatch: ~Copyable {
    /// Enough for every datagram, and for what one train of the kernel can carry.
    private static let slotBytes: UInt32 = 65_535

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
    /// - Returns: false when what came was cut off, and dropped.
    @inline(__always)
    package func forEachDatagram(
        in slot: Int, _ body: (UnsafeMutableRawBufferPointer, SocketAddress) -> Void
    ) -> Bool {
        let length = Int(batch.pointee.lengths[slot])
        let segment = Int(batch.pointee.segment_lengths[slot])
        guard let source = SocketAddress(
            batch.addresses + slot, length: batch.pointee.address_lengths[slot])
        else { return true }
        let base = UnsafeMutableRawPointer(batch.pointee.bytes + slot * batch.pointee.stride)
        if length == 0 {
            body(UnsafeMutableRawBufferPointer(start: base, count: 0), source)
            return true
        }
        guard segment > 0 else { return false }
        var offset = 0
        while offset < length {
            let count = min(segment, length - offset)
            body(UnsafeMutableRawBufferPointer(start: base + offset, count: count), source)
            offset += count
        }
        return true
    }

    /// How the datagrams of a slot arrived; `notECT` where the kernel does not tell.
    package func codepoint(in slot: Int) -> ECNCodepoint {
        ECNCodepoint(rawValue: batch.pointee.codepoints[slot]) ?? .notECT
    }
}
