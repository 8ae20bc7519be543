import Foundation
import Synchronization
import Testing

@testable import LRP2PCore

struct MemoryBudgetTests {
    @Test func reservesAllOrNothing() {
        let budget = MemoryBudget(limit: 1000)
        #expect(budget.reserve(600))
        #expect(!budget.reserve(401))
        #expect(budget.reserved == 600)
        #expect(budget.reserve(400))
        #expect(!budget.reserve(1))
        #expect(budget.reserve(0))
        budget.release(999)
        #expect(budget.reserved == 1)
        #expect(!budget.reserve(.max))
        #expect(budget.reserve(999))
    }

    @Test func unlimitedRefusesNothingThatCanBeCounted() {
        let budget = MemoryBudget(limit: .max)
        #expect(budget.reserve(.max - 1))
        #expect(!budget.reserve(2))
        #expect(budget.reserve(1))
        budget.release(.max)
        #expect(budget.reserved == 0)
    }

    @Test func threadsNeverReserveMoreThanTheLimit() {
        let limit = 1000
        let budget = MemoryBudget(limit: limit)
        let granted = Atomic<Int>(0)
        let excess = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in 0..<50_000 {
                let bytes = (round * 7 + thread * 13) % 400 + 1
                guard budget.reserve(bytes) else { continue }
                let total = granted.wrappingAdd(bytes, ordering: .relaxed).newValue
                if total > limit { excess.wrappingAdd(1, ordering: .relaxed) }
                granted.wrappingSubtract(bytes, ordering: .relaxed)
                budget.release(bytes)
            }
        }
        #expect(excess.load(ordering: .relaxed) == 0)
        #expect(budget.reserved == 0)
    }

    @Test func chunksDoNotOverlap() {
        let budget = MemoryBudget(limit: 0)
        let chunks = (0..<200).map { _ in budget.takeChunk(isFilledSoon: false) }
        #expect(budget.chunkBytesInUse == 200 * MemoryBudget.chunkBytes)
        for (index, chunk) in chunks.enumerated() {
            chunk.base.initializeMemory(
                as: UInt8.self, repeating: UInt8(index), count: MemoryBudget.chunkBytes)
        }
        for (index, chunk) in chunks.enumerated() {
            let bytes = UnsafeRawBufferPointer(start: chunk.base, count: MemoryBudget.chunkBytes)
            #expect(bytes.allSatisfy { $0 == UInt8(index) })
        }
        chunks.forEach(budget.giveBack)
        #expect(budget.chunkBytesInUse == 0)
    }

    @Test func takesAFreeChunkBeforeNewMemory() {
        let budget = MemoryBudget(limit: 0)
        let first = budget.takeChunk(isFilledSoon: false)
        budget.giveBack(first)
        #expect(budget.freeBytes == MemoryBudget.chunkBytes)
        let second = budget.takeChunk(isFilledSoon: false)
        #expect(second.base == first.base && budget.freeBytes == 0)
        budget.giveBack(second)
    }

    @Test func givesFreeMemoryBeyondABoundBackToTheSystem() throws {
        let budget = MemoryBudget(limit: 0)
        let count = 2 * MemoryBudget.maximumFreeBytes / MemoryBudget.chunkBytes
        let chunks = (0..<count).map { _ in budget.takeChunk(isFilledSoon: false) }
        for chunk in chunks {
            chunk.base.initializeMemory(
                as: UInt8.self, repeating: 1, count: MemoryBudget.chunkBytes)
        }
        #expect(try residentBytes(of: chunks) == count * MemoryBudget.chunkBytes)
        chunks.forEach(budget.giveBack)
        #expect(budget.freeBytes == MemoryBudget.maximumFreeBytes)
        #expect(try residentBytes(of: chunks) == MemoryBudget.maximumFreeBytes)
        // What was given back can be used again.
        let again = (0..<count).map { _ in budget.takeChunk(isFilledSoon: false) }
        #expect(Set(again.map(\.base)) == Set(chunks.map(\.base)))
        again.forEach(budget.giveBack)
    }

    @Test func aChunkIsResidentOnlyWhenItIsFilledSoon() throws {
        let budget = MemoryBudget(limit: 0)
        let sparse = budget.takeChunk(isFilledSoon: false)
        let dense = budget.takeChunk(isFilledSoon: true)
        sparse.base.storeBytes(of: 1, as: UInt8.self)
        #expect(try residentBytes(of: [sparse]) == sysconf(Int32(_SC_PAGESIZE)))
        #expect(try residentBytes(of: [dense]) == MemoryBudget.chunkBytes)
        [sparse, dense].forEach(budget.giveBack)
    }

    private func residentBytes(of chunks: [Chunk]) throws -> Int {
        let page = sysconf(Int32(_SC_PAGESIZE))
        var flags = [UInt8](repeating: 0, count: MemoryBudget.chunkBytes / page)
        return try chunks.reduce(0) { sum, chunk in
            try #require(mincore(chunk.base, MemoryBudget.chunkBytes, &flags) == 0)
            return sum + flags.count { $0 & 1 == 1 } * page
        }
    }
}
