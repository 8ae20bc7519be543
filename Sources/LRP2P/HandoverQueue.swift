import Synchronization

/// Datagrams on the way from the network thread that received them to the one they are for.
///
/// The kernel gives most of them to the right thread (see ``UDPSocket``); this is for the others:
/// all that come while it does not know how, and those that came joined with ones of another
/// connection. They are copied.
final class HandoverQueue: Sendable {
    /// Datagrams that may wait; further ones are dropped.
    static let maximumDatagrams = 4096
    /// Bytes that may wait; what would go beyond is dropped.
    static let maximumBytes = 4 << 20
    /// Memory that is kept for the next time.
    private static let keptBytes = 256 << 10

    /// Datagrams back to back.
    struct Contents {
        fileprivate struct Entry {
            let length: Int
            let source: SocketAddress
            let ecn: ECNCodepoint
        }
        fileprivate var bytes: [UInt8] = []
        fileprivate var entries: [Entry] = []

        var count: Int { entries.count }

        /// Calls `body` with each datagram, in order, which it may change but not keep.
        mutating func forEach(
            _ body: (UnsafeMutableRawBufferPointer, SocketAddress, ECNCodepoint) -> Void
        ) {
            bytes.withUnsafeMutableBytes { bytes in
                var offset = 0
                for entry in entries {
                    let end = offset + entry.length
                    body(
                        UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<end]), entry.source,
                        entry.ecn)
                    offset = end
                }
            }
        }

        fileprivate mutating func clear() {
            let isLarge = bytes.capacity > HandoverQueue.keptBytes
            bytes.removeAll(keepingCapacity: !isLarge)
            entries.removeAll(keepingCapacity: !isLarge)
        }
    }

    private let waiting = Mutex(Contents())

    /// Returns false when a limit is reached.
    func put(
        _ datagram: UnsafeRawBufferPointer, from source: SocketAddress, ecn: ECNCodepoint
    ) -> Bool {
        waiting.withLock { waiting in
            guard waiting.entries.count < HandoverQueue.maximumDatagrams,
                waiting.bytes.count + datagram.count <= HandoverQueue.maximumBytes
            else { return false }
            waiting.bytes.append(contentsOf: datagram)
            waiting.entries.append(
                Contents.Entry(length: datagram.count, source: source, ecn: ecn))
            return true
        }
    }

    /// Exchanges what waits for the used-up `contents`, whose memory is used again.
    func take(_ contents: inout Contents) {
        contents.clear()
        waiting.withLock { swap(&$0, &contents) }
    }
}
