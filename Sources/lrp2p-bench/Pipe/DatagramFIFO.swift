import LRP2PCore

/// Datagrams that leave in the order they came, each at its time. For millions of them: they lie
/// one after the other in large chunks, which are used again.
struct DatagramFIFO: ~Copyable {
    private static let chunkBytes = 1 << 20
    /// Before each datagram: when it arrives, and its length.
    private static let headBytes = 16

    private struct Chunk {
        let base: UnsafeMutableRawPointer
        /// Bytes used so far.
        var used = 0
    }

    /// From ``firstChunk`` on in use, in order.
    private var chunks: [Chunk] = []
    private var firstChunk = 0
    private var spare: [UnsafeMutableRawPointer] = []
    /// Of the first datagram, in the first chunk.
    private var readOffset = 0
    private(set) var count = 0

    deinit {
        for chunk in chunks[firstChunk...] { chunk.base.deallocate() }
        for base in spare { base.deallocate() }
    }

    /// When the first one arrives.
    var nextArrival: Instant? {
        count > 0 ? Instant(nanoseconds: first.load(as: Int64.self)) : nil
    }

    private var first: UnsafeMutableRawPointer { chunks[firstChunk].base + readOffset }

    /// - Parameters:
    ///   - datagram: 65,535 bytes at most.
    ///   - arrival: not before that of the last one.
    mutating func append(_ datagram: UnsafeRawBufferPointer, arrival: Instant) {
        let needed = Self.headBytes + (datagram.count + 7) & ~7
        precondition(needed <= Self.chunkBytes)
        if chunks.count == firstChunk || chunks[chunks.count - 1].used + needed > Self.chunkBytes {
            addChunk()
        }
        let last = chunks.count - 1
        let start = chunks[last].base + chunks[last].used
        start.storeBytes(of: arrival.nanoseconds, as: Int64.self)
        start.storeBytes(of: datagram.count, toByteOffset: 8, as: Int.self)
        UnsafeMutableRawBufferPointer(start: start + Self.headBytes, count: datagram.count)
            .copyMemory(from: datagram)
        chunks[last].used += needed
        count += 1
    }

    /// Takes out the first one if it has arrived. The memory is good until the next call of
    /// ``append(_:arrival:)`` or this.
    mutating func popArrived(by now: Instant) -> UnsafeMutableRawBufferPointer? {
        guard count > 0 else { return nil }
        let start = first
        guard start.load(as: Int64.self) <= now.nanoseconds else { return nil }
        let length = start.load(fromByteOffset: 8, as: Int.self)
        readOffset += Self.headBytes + (length + 7) & ~7
        count -= 1
        if readOffset == chunks[firstChunk].used { dropFirstChunk() }
        return UnsafeMutableRawBufferPointer(start: start + Self.headBytes, count: length)
    }

    private mutating func addChunk() {
        let base = spare.popLast()
            ?? .allocate(byteCount: Self.chunkBytes, alignment: 4096)
        chunks.append(Chunk(base: base))
    }

    private mutating func dropFirstChunk() {
        spare.append(chunks[firstChunk].base)
        firstChunk += 1
        readOffset = 0
        if firstChunk > 64, firstChunk * 2 > chunks.count {
            chunks.removeFirst(firstChunk)
            firstChunk = 0
        }
    }
}
