import Foundation
import Testing

@testable import LRP2PCore

struct StreamRingTests {
    private static let chunk = MemoryBudget.chunkBytes

    private func write(_ bytes: [UInt8], to ring: StreamRing) -> Int {
        bytes.withUnsafeBytes { ring.write($0) }
    }

    private func place(_ range: Range<Int>, in ring: StreamRing) {
        pattern(range).withUnsafeBytes { ring.place($0, at: UInt64(range.lowerBound)) }
    }

    private func copy(_ ring: StreamRing, from position: UInt64, max: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max)
        let count = bytes.withUnsafeMutableBytes { ring.copy(from: position, into: $0) }
        return Array(bytes.prefix(count))
    }

    @Test func capacityIsAPowerOfTwo() {
        #expect(StreamRing(capacity: 0).capacity == 4096)
        #expect(StreamRing(capacity: 4096).capacity == 4096)
        #expect(StreamRing(capacity: 5000).capacity == 8192)
        #expect(StreamRing(capacity: 5000).limit == 8192)
        #expect(StreamRing(capacity: .max).capacity == StreamRing.maximumCapacity)
    }

    @Test func takesWhatFitsAndGivesItUntilReleased() {
        let ring = StreamRing(capacity: 4096)
        #expect(write(pattern(0..<3000), to: ring) == 3000)
        #expect(write(pattern(3000..<6000), to: ring) == 1096)
        #expect(ring.freeBytes == 0 && ring.count == 4096)
        #expect(write([1], to: ring) == 0)
        #expect(copy(ring, from: 100, max: 200) == pattern(100..<300))
        #expect(copy(ring, from: 100, max: 200) == pattern(100..<300))
        ring.release(upTo: 2500)
        ring.release(upTo: 100)
        #expect(ring.startPosition == 2500)
        #expect(write(pattern(4096..<6000), to: ring) == 1904)
        #expect(copy(ring, from: 2500, max: 10_000) == pattern(2500..<6000))
        #expect(copy(ring, from: 6000, max: 10) == [])
        #expect(copy(ring, from: 7000, max: 10) == [])
    }

    @Test func holdsChunksOnlyForWhatItHolds() {
        let budget = MemoryBudget(limit: 0)
        let ring = StreamRing(capacity: 1 << 30, limit: 1 << 20, pool: budget)
        #expect(budget.chunkBytesInUse == 0)
        #expect(write([1], to: ring) == 1)
        #expect(budget.chunkBytesInUse == Self.chunk)
        // 16 chunks' worth that begins one byte into a chunk.
        ring.release(upTo: 1)
        #expect(write(pattern(0..<1 << 20), to: ring) == 1 << 20)
        #expect(budget.chunkBytesInUse == 17 * Self.chunk)
        ring.release(upTo: UInt64(Self.chunk) - 1)
        #expect(budget.chunkBytesInUse == 17 * Self.chunk)
        ring.release(upTo: UInt64(Self.chunk))
        #expect(budget.chunkBytesInUse == 16 * Self.chunk)
        ring.release(upTo: ring.endPosition)
        #expect(budget.chunkBytesInUse == Self.chunk, "the chunk it stopped in")
        #expect(write(pattern(0..<Self.chunk - 1), to: ring) == Self.chunk - 1)
        ring.release(upTo: ring.endPosition)
        #expect(budget.chunkBytesInUse == 0, "it stopped between two chunks")
    }

    @Test func trimmingAnEmptyRingGivesItsLastChunkBack() {
        let budget = MemoryBudget(limit: 0)
        let ring = StreamRing(capacity: 1 << 20, limit: 1 << 20, pool: budget)
        ring.trim()
        #expect(write(pattern(0..<1000), to: ring) == 1000)
        ring.trim()
        #expect(budget.chunkBytesInUse == Self.chunk, "it holds bytes")
        ring.release(upTo: 1000)
        place(1500..<1600, in: ring)
        ring.trim()
        #expect(budget.chunkBytesInUse == Self.chunk, "it holds early bytes")
        place(1000..<1500, in: ring)
        ring.advanceEnd(to: 1600)
        #expect(copy(ring, from: 1000, max: 1000) == pattern(1000..<1600))
        ring.release(upTo: 1600)
        ring.trim()
        #expect(budget.chunkBytesInUse == 0)
        #expect(write(pattern(1600..<300_000), to: ring) == 298_400)
        #expect(copy(ring, from: 1600, max: 300_000) == pattern(1600..<300_000))
    }

    @Test func givesChunksBackWhenItGoes() {
        let budget = MemoryBudget(limit: 1 << 20)
        do {
            let ring = StreamRing(capacity: 1 << 20, limit: 1 << 16, pool: budget)
            #expect(ring.raiseLimit(to: 1 << 20))
            #expect(write(pattern(0..<200_000), to: ring) == 200_000)
            ring.release(upTo: 100_000)
            // Beyond chunks that nothing was placed in.
            place(1_000_000..<1_000_100, in: ring)
            #expect(budget.chunkBytesInUse == 4 * Self.chunk)
            #expect(budget.reserved == 15 << 16)
        }
        #expect(budget.chunkBytesInUse == 0)
        #expect(budget.reserved == 0)
    }

    @Test func placedBytesAreSeenOncePublished() {
        let ring = StreamRing(capacity: 1 << 20)
        place(100_000..<200_000, in: ring)
        place(10..<20, in: ring)
        #expect(ring.endPosition == 0 && ring.freeBytes == 1 << 20)
        #expect(copy(ring, from: 0, max: 10) == [])
        place(0..<10, in: ring)
        ring.advanceEnd(to: 20)
        ring.advanceEnd(to: 5)
        #expect(copy(ring, from: 0, max: 100) == pattern(0..<20))
        // Writing goes over what was placed.
        #expect(write(pattern(20..<150_000), to: ring) == 149_980)
        ring.advanceEnd(to: 200_000)
        #expect(copy(ring, from: 0, max: 300_000) == pattern(0..<200_000))
    }

    @Test func limitStopsWritingAndMayGrow() {
        let budget = MemoryBudget(limit: 0)
        let ring = StreamRing(capacity: 1 << 20, limit: 5000, pool: budget)
        #expect(write(pattern(0..<6000), to: ring) == 5000)
        #expect(ring.freeBytes == 0)
        ring.limit = 7000
        #expect(ring.freeBytes == 2000)
        #expect(write(pattern(5000..<8000), to: ring) == 2000)
        ring.limit = 1000
        #expect(ring.freeBytes == 0 && ring.count == 7000)
        #expect(write([1], to: ring) == 0)
        #expect(copy(ring, from: 0, max: 10_000) == pattern(0..<7000))
        ring.release(upTo: 6500)
        #expect(ring.freeBytes == 500)
        #expect(write(pattern(7000..<8000), to: ring) == 500)
        ring.limit = 0
        ring.release(upTo: 7500)
        #expect(ring.freeBytes == 0)
        #expect(write([1], to: ring) == 0)
    }

    @Test func limitsAreRaisedWithinTheBudget() {
        let budget = MemoryBudget(limit: 100_000)
        let one = StreamRing(capacity: 1 << 20, limit: 50_000, pool: budget)
        let two = StreamRing(capacity: 1 << 20, limit: 50_000, pool: budget)
        #expect(budget.reserved == 0, "the first limit is guaranteed")
        #expect(one.raiseLimit(to: 120_000))
        #expect(budget.reserved == 70_000)
        #expect(!two.raiseLimit(to: 80_001))
        #expect(two.limit == 50_000)
        #expect(two.raiseLimit(to: 80_000))
        #expect(budget.reserved == 100_000)
        #expect(one.raiseLimit(to: 1000), "it is higher already")
        #expect(one.limit == 120_000)

        // What is held stays reserved until it has gone.
        #expect(write(pattern(0..<110_000), to: one) == 110_000)
        one.lowerLimit(to: 20_000)
        #expect(one.limit == 20_000 && budget.reserved == 90_000)
        one.release(upTo: 110_000)
        one.lowerLimit(to: 20_000)
        #expect(budget.reserved == 30_000)
        #expect(one.raiseLimit(to: 50_000))
        #expect(budget.reserved == 30_000, "guaranteed")
        two.lowerLimit(to: 100_000)
        #expect(two.limit == 80_000)
    }

    @Test func aRingWithoutStorageCountsOnly() {
        let ring = StreamRing.withoutStorage(capacity: 1 << 36)
        #expect(ring.capacity == 1 << 36 && ring.limit == 1 << 36)
        let piece = pattern(0..<1000)
        #expect(write(piece, to: ring) == 1000)
        piece.withUnsafeBytes { ring.place($0, at: 1 << 35) }
        ring.advanceEnd(to: 1 << 35)
        #expect(ring.count == 1 << 35)
        var buffer = [UInt8](repeating: 7, count: 100)
        let copied = buffer.withUnsafeMutableBytes { ring.copy(from: 1 << 34, into: $0) }
        #expect(copied == 100 && buffer.allSatisfy { $0 == 7 })
        let last = buffer.withUnsafeMutableBytes { ring.copy(from: (1 << 35) - 3, into: $0) }
        #expect(last == 3)
        ring.release(upTo: 1 << 35)
        ring.trim()
        #expect(ring.count == 0 && ring.freeBytes == 1 << 36)
        ring.limit = 500
        #expect(write(piece, to: ring) == 500)
    }
}
