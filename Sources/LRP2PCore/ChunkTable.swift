/// Where the chunks of a ring are: entries for a window of consecutive chunks, found by number.
///
/// One side writes it while another reads different entries, so it never moves: a larger one is
/// made instead, and the smaller ones stay for whoever still reads them. They double, so together
/// they are no larger than the last.
struct ChunkTable {
    struct Header {
        let count: Int
        let previous: UnsafeMutablePointer<Header>?
    }

    static var minimumCount: Int { 4 }

    let storage: UnsafeMutablePointer<Header>

    /// Which chunk of the stream holds this position.
    @inline(__always)
    static func number(of position: UInt64) -> UInt64 {
        position / UInt64(MemoryBudget.chunkBytes)
    }

    /// Where in its chunk this position is.
    @inline(__always)
    static func offset(of position: UInt64) -> Int {
        Int(truncatingIfNeeded: position) & (MemoryBudget.chunkBytes - 1)
    }

    @inline(__always)
    init(storage: UnsafeMutablePointer<Header>) {
        self.storage = storage
    }

    /// An empty table for at least `count` chunks in front of a smaller one.
    init(count: Int, previous: UnsafeMutablePointer<Header>?) {
        var size = Self.minimumCount
        while size < count { size *= 2 }
        let bytes = MemoryLayout<Header>.stride + size * MemoryLayout<Chunk?>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: bytes, alignment: MemoryLayout<Header>.alignment)
        storage = memory.bindMemory(to: Header.self, capacity: 1)
        storage.initialize(to: Header(count: size, previous: previous))
        (memory + MemoryLayout<Header>.stride).bindMemory(to: Chunk?.self, capacity: size)
            .initialize(repeating: nil, count: size)
    }

    var count: Int { storage.pointee.count }

    subscript(number: UInt64) -> Chunk? {
        @inline(__always) get { entry(number).pointee }
        @inline(__always) nonmutating set { entry(number).pointee = newValue }
    }

    @inline(__always)
    private func entry(_ number: UInt64) -> UnsafeMutablePointer<Chunk?> {
        let entries = UnsafeMutableRawPointer(storage + 1).assumingMemoryBound(to: Chunk?.self)
        return entries + (Int(truncatingIfNeeded: number) & (storage.pointee.count - 1))
    }

    /// Frees this table and the smaller ones before it. What they point to is not touched.
    func deallocateAll() {
        var next: UnsafeMutablePointer<Header>? = storage
        while let table = next {
            next = table.pointee.previous
            UnsafeMutableRawPointer(table).deallocate()
        }
    }
}
