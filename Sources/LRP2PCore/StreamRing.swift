import Synchronization

/// The bytes of one direction of a connection between one producer and one consumer.
///
/// Positions are stream offsets that only grow. The producer appends at `endPosition`; the consumer
/// copies any range from `startPosition` on, as often as it likes, and releases a prefix when it
/// will never want it again. For sending, the application produces and the protocol consumes
/// (a prefix is released once the peer has acknowledged it); for receiving it is the other way
/// round. So flow control needs no further bookkeeping: what is free here is what may still come.
///
/// Concurrency: one producer and one consumer at a time, on different threads, without a lock.
/// Several readers or several writers must take turns under a lock of their own.
public final class StreamRing: @unchecked Sendable {
    /// Bytes the ring holds at most; a power of two. Untouched memory costs address space only.
    public let capacity: Int
    private let storage: UnsafeMutableRawPointer
    private let start = Atomic<UInt64>(0)
    private let end = Atomic<UInt64>(0)

    /// Bytes a ring can have at most.
    public static let maximumCapacity = 1 << 36

    /// - Parameter capacity: bytes, rounded up to a power of two, at least 4096, at most
    ///   `maximumCapacity`.
    public init(capacity: Int) {
        var size = 4096
        while size < min(capacity, Self.maximumCapacity) { size *= 2 }
        self.capacity = size
        storage = .allocate(byteCount: size, alignment: 64)
    }

    deinit {
        storage.deallocate()
    }

    /// The offset of the first byte that has not been released.
    public var startPosition: UInt64 { start.load(ordering: .acquiring) }
    /// The offset after the last byte written.
    public var endPosition: UInt64 { end.load(ordering: .acquiring) }
    /// Bytes written and not yet released.
    public var count: Int {
        // The start first: read later it could pass an end that was read earlier.
        let start = startPosition
        return Int(endPosition - start)
    }
    /// Bytes that can be written now.
    public var freeBytes: Int {
        let start = startPosition
        return max(0, capacity - Int(endPosition - start))
    }

    /// Producer: appends as much as fits and returns how much that was.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let end = self.end.load(ordering: .relaxed)
        let free = capacity - Int(end - start.load(ordering: .acquiring))
        let count = min(bytes.count, free)
        guard count > 0, let base = bytes.baseAddress else { return 0 }
        let offset = Int(truncatingIfNeeded: end) & (capacity - 1)
        let first = min(count, capacity - offset)
        (storage + offset).copyMemory(from: base, byteCount: first)
        if first < count {
            storage.copyMemory(from: base + first, byteCount: count - first)
        }
        self.end.store(end + UInt64(count), ordering: .releasing)
        return count
    }

    /// Consumer: copies bytes from `position` on without releasing them.
    ///
    /// - Parameter position: at least `startPosition`.
    /// - Returns: the bytes copied; 0 when `position` is at or past the end.
    public func copy(from position: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        precondition(position >= start.load(ordering: .relaxed), "these bytes have been released")
        let end = self.end.load(ordering: .acquiring)
        guard position < end, let base = buffer.baseAddress else { return 0 }
        let count = min(buffer.count, Int(end - position))
        let offset = Int(truncatingIfNeeded: position) & (capacity - 1)
        let first = min(count, capacity - offset)
        base.copyMemory(from: storage + offset, byteCount: first)
        if first < count {
            (base + first).copyMemory(from: storage, byteCount: count - first)
        }
        return count
    }

    /// Consumer: gives the room before `position` back to the producer. Going backwards does
    /// nothing.
    public func release(upTo position: UInt64) {
        let current = start.load(ordering: .relaxed)
        guard position > current else { return }
        precondition(
            position <= end.load(ordering: .acquiring), "cannot release what is not written")
        start.store(position, ordering: .releasing)
    }
}
