import Glibc
import Synchronization

/// The memory that the stream buffers of a process may use, and the chunks it consists of.
///
/// Two things are counted apart. *Reservations* decide: whoever lets a buffer grow asks for the
/// bytes beforehand (``reserve(_:)``) and does without when the budget refuses. *Chunks* follow
/// use: a ``StreamRing`` takes one when the stream reaches it and gives it back when its bytes have
/// been released. Taking a chunk never fails, so nobody has to undo half a write; because no ring
/// holds more than its limit, chunks in use stay below what is guaranteed and reserved, and a
/// rounding of less than two chunks for each ring.
///
/// Concurrency: everything may be called from any thread.
public final class MemoryBudget: Sendable {
    /// Bytes of a chunk. A lock is taken once for that many bytes of a stream; untouched pages of
    /// a chunk are not resident, so a ring that carries a little costs a page and not a chunk.
    public static var chunkBytes: Int { 1 << 16 }
    /// Bytes of free chunks that stay resident, so that a stream that flows reuses warm memory.
    /// What is free beyond that is given back to the system.
    public static var maximumFreeBytes: Int { 16 << 20 }
    /// Refuses nothing. All rings made without a budget share its chunks.
    public static let unlimited = MemoryBudget(limit: .max)

    /// Bytes that can be reserved at the same time.
    public let limit: Int
    private let reservations = Atomic<Int>(0)
    private let pool = Mutex(ChunkPool())

    /// - Parameter limit: bytes, at least 0.
    public init(limit: Int) {
        precondition(limit >= 0, "a budget cannot be negative")
        self.limit = limit
    }

    deinit {
        // Every ring refers to its budget: no chunk is in use any more.
        pool.withLock { $0.unmapAll() }
    }

    /// Bytes reserved now: 0 to `limit`.
    public var reserved: Int { reservations.load(ordering: .relaxed) }

    /// Bytes of the chunks that rings hold now.
    public var chunkBytesInUse: Int { pool.withLock { $0.usedCount } * Self.chunkBytes }

    /// Bytes of free chunks that are still resident: 0 to `maximumFreeBytes`.
    public var freeBytes: Int { pool.withLock { $0.resident.count } * Self.chunkBytes }

    /// Reserves all of these bytes or none.
    ///
    /// - Parameter bytes: at least 0.
    /// - Returns: false when fewer than that are left.
    public func reserve(_ bytes: Int) -> Bool {
        precondition(bytes >= 0, "cannot reserve a negative number of bytes")
        var current = reservations.load(ordering: .relaxed)
        while bytes <= limit - current {
            let (exchanged, original) = reservations.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return true }
            current = original
        }
        return false
    }

    /// Gives reserved bytes back.
    ///
    /// - Parameter bytes: 0 to what the caller has reserved.
    public func release(_ bytes: Int) {
        precondition(bytes >= 0, "cannot release a negative number of bytes")
        let before = reservations.wrappingSubtract(bytes, ordering: .relaxed).oldValue
        precondition(before >= bytes, "cannot release what is not reserved")
    }

    /// A chunk with unspecified contents. Traps when the system has no address space left.
    ///
    /// - Parameter isFilledSoon: whether most of it will be written: it is made resident at once,
    ///   which takes a sixth of the time of one page fault after the other.
    func takeChunk(isFilledSoon: Bool) -> Chunk {
        let (chunk, isResident) = pool.withLock { $0.take() }
        if isFilledSoon, !isResident {
            // Linux before 5.14 refuses: then pages become resident as they are touched.
            _ = madvise(chunk.base, Self.chunkBytes, Int32(MADV_POPULATE_WRITE))
        }
        return chunk
    }

    /// The caller must not touch the chunk's memory any more.
    func giveBack(_ chunk: Chunk) {
        if pool.withLock({ $0.keepResident(chunk) }) { return }
        // Outside the lock, because freeing pages takes microseconds.
        let result = madvise(chunk.base, Self.chunkBytes, Int32(MADV_DONTNEED))
        precondition(result == 0, "the system does not take memory back")
        pool.withLock { $0.keepAddress(chunk) }
    }
}

/// The memory of one chunk; whoever holds it owns it.
struct Chunk: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
}

/// Chunks cut from larger mappings, which stay mapped: giving single chunks back by unmapping them
/// would leave holes, and the system bounds how many mappings a process has. An address without
/// memory costs two thousandths of its bytes for page tables.
private struct ChunkPool {
    /// Chunks in a mapping.
    static var chunksPerMapping: Int { 64 }
    static var mappingBytes: Int { chunksPerMapping * MemoryBudget.chunkBytes }

    private var mappings: [Chunk] = []
    /// Free chunks whose pages are resident.
    private(set) var resident: [Chunk] = []
    /// Free chunks without memory: never used, or given back to the system.
    private var vacant: [Chunk] = []
    private(set) var usedCount = 0

    mutating func take() -> (Chunk, isResident: Bool) {
        usedCount += 1
        if let chunk = resident.popLast() { return (chunk, true) }
        if vacant.isEmpty { map() }
        return (vacant.removeLast(), false)
    }

    /// False when enough is kept: the caller gives the memory back and calls `keepAddress`.
    mutating func keepResident(_ chunk: Chunk) -> Bool {
        usedCount -= 1
        let isKept = resident.count < MemoryBudget.maximumFreeBytes / MemoryBudget.chunkBytes
        if isKept { resident.append(chunk) }
        return isKept
    }

    mutating func keepAddress(_ chunk: Chunk) {
        vacant.append(chunk)
    }

    private mutating func map() {
        guard let base = mmap(
            nil, Self.mappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { fatalError("no address space is left for stream buffers") }
        // A huge page would make 2 MiB resident for the first byte, and keep them while any chunk
        // in it is in use. Systems without huge pages refuse the advice, which does no harm.
        _ = madvise(base, Self.mappingBytes, Int32(MADV_NOHUGEPAGE))
        mappings.append(Chunk(base: base))
        for index in (0..<Self.chunksPerMapping).reversed() {
            vacant.append(Chunk(base: base + index * MemoryBudget.chunkBytes))
        }
    }

    mutating func unmapAll() {
        for mapping in mappings { munmap(mapping.base, Self.mappingBytes) }
        self = ChunkPool()
    }
}
