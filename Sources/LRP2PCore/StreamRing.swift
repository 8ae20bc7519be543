import Synchronization

/// The bytes of one direction of a connection between one producer and one consumer.
///
/// Positions are stream offsets that only grow. The producer appends at `endPosition`; the consumer
/// copies any range from `startPosition` on, as often as it likes, and releases a prefix when it
/// will never want it again. For sending, the application produces and the protocol consumes
/// (a prefix is released once the peer has acknowledged it); for receiving it is the other way
/// round. So flow control needs no further bookkeeping: what is free here is what may still come.
///
/// Memory follows use. A ring that has carried nothing owns a few hundred bytes; chunks are taken
/// from the budget as the producer reaches them, and the consumer gives each back once all of it
/// is released. An empty ring keeps the chunk it stopped in, until more bytes come or the producer
/// calls ``trim()``.
///
/// Concurrency: one producer and one consumer at a time, on different threads, without a lock.
/// Several readers or several writers must take turns under a lock of their own. Limits are set by
/// one thread at a time, which need not be either of them. The rest may be read anywhere.
public final class StreamRing: @unchecked Sendable {
    /// Bytes the ring can ever hold; a power of two. Costs nothing until it is used.
    public let capacity: Int
    let pool: MemoryBudget
    private let hasStorage: Bool
    /// What the first limit allows needs no reservation.
    private let guaranteedBytes: Int
    /// Belongs to the thread that sets limits.
    private var reservedBytes = 0
    private let currentLimit: Atomic<Int>
    let table = Atomic<UnsafeMutablePointer<ChunkTable.Header>?>(nil)

    // What one side writes all the time is kept in another cache line than what the other uses.
    private let padding1 = CacheLine()

    // The producer's.
    private let end = Atomic<UInt64>(0)
    /// The chunks that the table can have entries of: there is none of any other.
    var window: Range<UInt64> = 0..<0
    /// The position after the last byte that `place` has put here.
    private var placedEnd: UInt64 = 0

    private let padding2 = CacheLine()

    // The consumer's.
    let start = Atomic<UInt64>(0)

    /// Bytes a ring can have at most.
    public static let maximumCapacity = 1 << 36

    /// - Parameters:
    ///   - capacity: bytes, rounded up to a power of two, at least 4096, at most
    ///     `maximumCapacity`.
    ///   - limit: bytes the ring may hold at first, 0 to `capacity`. They are guaranteed: nothing
    ///     is reserved for them.
    ///   - pool: where chunks come from and growth is reserved.
    public convenience init(capacity: Int, limit: Int, pool: MemoryBudget) {
        self.init(size: Self.size(capacity), limit: limit, pool: pool, hasStorage: true)
    }

    /// A ring that may hold all of its capacity, outside any budget.
    ///
    /// - Parameter capacity: bytes, as above.
    public convenience init(capacity: Int) {
        let size = Self.size(capacity)
        self.init(size: size, limit: size, pool: .unlimited, hasStorage: true)
    }

    /// A ring that counts and keeps no bytes: writing, placing, copying and releasing move
    /// positions and touch no memory, neither the caller's nor any of the ring. For measuring with
    /// windows larger than memory. Its limit is its capacity.
    ///
    /// - Parameter capacity: bytes, as above.
    public static func withoutStorage(capacity: Int) -> StreamRing {
        let size = Self.size(capacity)
        return StreamRing(size: size, limit: size, pool: .unlimited, hasStorage: false)
    }

    private static func size(_ capacity: Int) -> Int {
        var size = 4096
        while size < min(capacity, maximumCapacity) { size *= 2 }
        return size
    }

    private init(size: Int, limit: Int, pool: MemoryBudget, hasStorage: Bool) {
        precondition(limit >= 0 && limit <= size, "a limit is at most the capacity")
        capacity = size
        self.pool = pool
        self.hasStorage = hasStorage
        guaranteedBytes = limit
        currentLimit = Atomic(limit)
    }

    deinit {
        discardChunks()
        pool.release(reservedBytes)
    }
}

// MARK: - Positions and limits

extension StreamRing {
    /// The offset of the first byte that has not been released.
    public var startPosition: UInt64 { start.load(ordering: .acquiring) }
    /// The offset after the last byte published.
    public var endPosition: UInt64 { end.load(ordering: .acquiring) }
    /// Bytes published and not yet released.
    public var count: Int {
        // The start first: read later it could pass an end that was read earlier.
        let start = startPosition
        return Int(endPosition - start)
    }
    /// Bytes that can be written now.
    public var freeBytes: Int { max(0, limit - count) }

    /// Bytes that may be held now: 0 to `capacity`. Setting it reserves nothing. One below `count`
    /// takes nothing away and only stops writing.
    public var limit: Int {
        get { currentLimit.load(ordering: .relaxed) }
        set {
            precondition(newValue >= 0 && newValue <= capacity, "a limit is at most the capacity")
            currentLimit.store(newValue, ordering: .relaxed)
        }
    }

    /// Raises the limit within the budget. The ring keeps what is reserved for that until the
    /// limit is lowered again, and at most as long as it lives.
    ///
    /// - Parameter newLimit: bytes, at most `capacity`. One that is not higher changes nothing.
    /// - Returns: false, and the limit stays, when the budget has too little left.
    public func raiseLimit(to newLimit: Int) -> Bool {
        guard newLimit > limit else { return true }
        let missing = newLimit - guaranteedBytes - reservedBytes
        if missing > 0 {
            guard pool.reserve(missing) else { return false }
            reservedBytes += missing
        }
        limit = newLimit
        return true
    }

    /// Lowers the limit and gives back what was reserved above it, except for bytes still held:
    /// call it again when there are fewer. A write that is under way may still go by the limit
    /// before. Bytes placed beyond the end are not seen here: wait until there are none.
    ///
    /// - Parameter newLimit: bytes, at least 0. One that is not lower leaves the limit as it is.
    public func lowerLimit(to newLimit: Int) {
        if newLimit < limit { limit = newLimit }
        let needed = max(0, max(limit, count) - guaranteedBytes)
        guard needed < reservedBytes else { return }
        pool.release(reservedBytes - needed)
        reservedBytes = needed
    }
}

// MARK: - Producer

extension StreamRing {
    /// Producer: appends as much as fits and returns how much that was.
    public func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let end = self.end.load(ordering: .relaxed)
        let held = Int(end - start.load(ordering: .acquiring))
        let count = min(bytes.count, limit - held)
        guard count > 0, let base = bytes.baseAddress else { return 0 }
        store(base, count, at: end)
        self.end.store(end + UInt64(count), ordering: .releasing)
        return count
    }

    /// Producer: keeps bytes that arrived early, without publishing them. Placing bytes again
    /// replaces them.
    ///
    /// - Parameters:
    ///   - bytes: to end at most `capacity` after the start. That they stay within the limit is the
    ///     caller's duty.
    ///   - position: at least `endPosition`.
    public func place(_ bytes: UnsafeRawBufferPointer, at position: UInt64) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        precondition(
            position >= end.load(ordering: .relaxed), "these bytes have been published")
        let distance = position - start.load(ordering: .acquiring)
        precondition(
            distance <= UInt64(capacity) && bytes.count <= capacity - Int(distance),
            "the ring cannot hold bytes there")
        placedEnd = max(placedEnd, position + UInt64(bytes.count))
        store(base, bytes.count, at: position)
    }

    /// Producer: publishes the bytes before `position`, all of which have been placed. Going
    /// backwards does nothing.
    ///
    /// - Parameter position: at most the end of the bytes placed.
    public func advanceEnd(to position: UInt64) {
        guard position > end.load(ordering: .relaxed) else { return }
        precondition(position <= placedEnd, "cannot publish what is not placed")
        end.store(position, ordering: .releasing)
    }

    /// Producer: gives back all memory, if the ring holds no bytes, published or placed. For
    /// connections that have gone idle.
    public func trim() {
        let end = self.end.load(ordering: .relaxed)
        guard start.load(ordering: .acquiring) == end, placedEnd <= end else { return }
        discardChunks()
    }

    private func store(_ source: UnsafeRawPointer, _ count: Int, at position: UInt64) {
        guard hasStorage else { return }
        let end = position + UInt64(count)
        var position = position
        var source = source
        while position < end {
            let offset = ChunkTable.offset(of: position)
            let piece = min(Int(end - position), MemoryBudget.chunkBytes - offset)
            (chunkToFill(at: position).base + offset).copyMemory(from: source, byteCount: piece)
            source += piece
            position += UInt64(piece)
        }
    }

    @inline(__always)
    private func chunkToFill(at position: UInt64) -> Chunk {
        let number = ChunkTable.number(of: position)
        if number < window.upperBound, let table = table.load(ordering: .relaxed),
            let chunk = ChunkTable(storage: table)[number]
        {
            return chunk
        }
        return claimChunk(number)
    }
}

// MARK: - Consumer

extension StreamRing {
    /// Consumer: copies bytes from `position` on without releasing them.
    ///
    /// - Parameters:
    ///   - position: at least `startPosition`.
    ///   - buffer: takes as many as it has room for.
    /// - Returns: the bytes copied; 0 when `position` is at or past the end.
    public func copy(from position: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        precondition(position >= start.load(ordering: .relaxed), "these bytes have been released")
        let end = self.end.load(ordering: .acquiring)
        guard position < end, let base = buffer.baseAddress else { return 0 }
        let count = min(buffer.count, Int(end - position))
        guard count > 0, hasStorage else { return count }
        let table = publishedTable
        var position = position
        var copied = 0
        while copied < count {
            let offset = ChunkTable.offset(of: position)
            let piece = min(count - copied, MemoryBudget.chunkBytes - offset)
            let chunk = Self.published(table[ChunkTable.number(of: position)])
            (base + copied).copyMemory(from: chunk.base + offset, byteCount: piece)
            copied += piece
            position += UInt64(piece)
        }
        return count
    }

    /// Consumer: gives the room before `position` back to the producer, and the chunks that end
    /// there to the budget. Going backwards does nothing.
    public func release(upTo position: UInt64) {
        let current = start.load(ordering: .relaxed)
        guard position > current else { return }
        precondition(
            position <= end.load(ordering: .acquiring), "cannot release what is not written")
        let finished = ChunkTable.number(of: current)..<ChunkTable.number(of: position)
        if !finished.isEmpty, hasStorage {
            let table = publishedTable
            for number in finished { pool.giveBack(Self.published(table[number])) }
        }
        start.store(position, ordering: .releasing)
    }

    /// To be read after `end`: then it has the entries of all chunks before that.
    private var publishedTable: ChunkTable {
        guard let storage = table.load(ordering: .acquiring) else {
            preconditionFailure("published bytes were not placed")
        }
        return ChunkTable(storage: storage)
    }

    @inline(__always)
    private static func published(_ chunk: Chunk?) -> Chunk {
        guard let chunk else { preconditionFailure("published bytes were not placed") }
        return chunk
    }
}

/// 64 bytes that nobody uses.
private struct CacheLine {
    private let words: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
}
