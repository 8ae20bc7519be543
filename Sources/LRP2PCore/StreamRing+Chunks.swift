import Synchronization

// Only the producer changes the table of chunks, and only where the consumer does not look:
// - An entry is written before the `end` behind it is published (releasing), so the consumer
//   that has seen that `end` (acquiring) finds it.
// - By then the producer is done with all chunks before `end`: the consumer may give one away.
//   It does so, and reads its entry for the last time, before it publishes `start` behind it.
// - The producer writes that entry again only after it has seen such a `start`.
// - In an empty ring the consumer looks at no entry and so at no table.
extension StreamRing {
    /// Takes a chunk, in a table that has room for it, unless it is there already.
    @inline(never)
    func claimChunk(_ number: UInt64) -> Chunk {
        let first = ChunkTable.number(of: start.load(ordering: .acquiring))
        var current = table.load(ordering: .relaxed).map(ChunkTable.init(storage:))
        if let current {
            // Given away by the consumer; their places are for chunks further on.
            for number in window.lowerBound..<min(first, window.upperBound) {
                current[number] = nil
            }
        }
        let needed = Int(number - first) + 1
        if needed > current?.count ?? 0 {
            current = enlarge(current, toHold: needed, from: first)
        }
        guard let current else { preconditionFailure("enlarging leaves a table") }
        window = first..<first + UInt64(current.count)
        if let chunk = current[number] { return chunk }
        // A ring that holds other chunks carries much; one that was empty may carry little.
        let chunk = pool.takeChunk(isFilledSoon: number > first)
        current[number] = chunk
        return chunk
    }

    /// - Parameter first: the first chunk whose entry matters.
    private func enlarge(
        _ smaller: ChunkTable?, toHold count: Int, from first: UInt64
    ) -> ChunkTable {
        let larger = ChunkTable(count: count, previous: smaller?.storage)
        if let smaller {
            for number in first..<max(first, window.upperBound) { larger[number] = smaller[number] }
        }
        table.store(larger.storage, ordering: .releasing)
        return larger
    }

    /// Only when the consumer looks at no chunk: the ring is empty or nobody has it.
    func discardChunks() {
        guard let storage = table.load(ordering: .relaxed) else { return }
        let table = ChunkTable(storage: storage)
        let first = ChunkTable.number(of: start.load(ordering: .acquiring))
        for number in first..<max(first, window.upperBound) {
            if let chunk = table[number] { pool.giveBack(chunk) }
        }
        self.table.store(nil, ordering: .relaxed)
        table.deallocateAll()
        window = 0..<0
    }
}
