import Foundation
import Testing

@testable import LRP2PCore

/// The ring against a model, and between two threads.
struct StreamRingModelTests {
    /// xorshift64.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    /// Bytes that tell their position: they repeat after a prime number of them, so those of
    /// another lap of the ring differ.
    private enum Source {
        static let period = 1_048_573
        static let longest = 1 << 20
        nonisolated(unsafe) private static let bytes: UnsafeRawBufferPointer = {
            var random = Generator(state: 0x9E37_79B9_7F4A_7C15)
            let bytes = UnsafeMutableRawBufferPointer.allocate(
                byteCount: period + longest, alignment: 8)
            for index in 0..<period { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
            for index in period..<bytes.count { bytes[index] = bytes[index - period] }
            return UnsafeRawBufferPointer(bytes)
        }()

        /// The bytes of a range of at most `longest` positions.
        static func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            let first = range.lowerBound % period
            return UnsafeRawBufferPointer(rebasing: bytes[first..<first + range.count])
        }

        static func isThere(_ range: Range<Int>, in buffer: UnsafeRawPointer) -> Bool {
            range.isEmpty || memcmp(buffer, bytes(range).baseAddress!, range.count) == 0
        }
    }

    /// What a ring should hold, and the pieces that were placed early.
    private struct Model {
        static let chunk = MemoryBudget.chunkBytes

        let budget = MemoryBudget(limit: 0)
        let ring: StreamRing
        var random: Generator
        var start = 0
        var end = 0
        var early: [Range<Int>] = []
        var buffer = [UInt8](repeating: 0, count: Source.longest)

        init(seed: UInt64) {
            random = Generator(state: seed &* 0x9E37_79B9_7F4A_7C15)
            let capacity = 1 << Int.random(in: 12...20, using: &random)
            ring = StreamRing(
                capacity: capacity, limit: Int.random(in: 0...capacity, using: &random),
                pool: budget)
        }

        mutating func length() -> Int {
            let largest = [1, 100, 1400, Self.chunk, ring.capacity].randomElement(using: &random)!
            return Int.random(in: 0...largest, using: &random)
        }

        mutating func write() {
            let bytes = Source.bytes(end..<end + length())
            let written = ring.write(bytes)
            #expect(written == max(0, min(bytes.count, ring.limit - (end - start))))
            end += written
            early.removeAll { $0.upperBound <= end }
        }

        mutating func place() {
            let room = start + ring.limit - end
            guard room > 0 else { return }
            let first = end + Int.random(in: 0..<room, using: &random)
            let range = first..<min(first + length(), start + ring.limit)
            ring.place(Source.bytes(range), at: UInt64(first))
            if !range.isEmpty { early.append(range) }
        }

        mutating func publish() {
            early.sort { $0.lowerBound < $1.lowerBound }
            for range in early where range.lowerBound <= end { end = max(end, range.upperBound) }
            early.removeAll { $0.upperBound <= end }
            ring.advanceEnd(to: UInt64(end))
        }

        mutating func copy() {
            let position = Int.random(in: start...end, using: &random)
            let wanted = length()
            let (count, isRight) = buffer.withUnsafeMutableBytes {
                let part = UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted])
                let count = ring.copy(from: UInt64(position), into: part)
                return (count, Source.isThere(position..<position + count, in: $0.baseAddress!))
            }
            #expect(count == min(wanted, end - position))
            #expect(isRight)
        }

        mutating func release() {
            start = Bool.random(using: &random) ? end : Int.random(in: start...end, using: &random)
            ring.release(upTo: UInt64(start))
        }

        mutating func step() {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<3: write()
            case 3..<5: place()
            case 5..<7: publish()
            case 7..<9: copy()
            case 9..<11: release()
            default:
                if Int.random(in: 0..<4, using: &random) == 0 {
                    ring.limit = Int.random(in: 0...ring.capacity, using: &random)
                } else {
                    ring.trim()
                }
            }
        }

        /// The chunks that these positions are in, when nothing was trimmed.
        var mostChunks: Int {
            let last = max(end, early.map(\.upperBound).max() ?? 0)
            return last / Self.chunk - start / Self.chunk + 1
        }
    }

    @Test(arguments: 1...40) func behavesLikeItsModel(seed: Int) {
        var model = Model(seed: UInt64(seed))
        for _ in 0..<400 {
            model.step()
            let ring = model.ring
            #expect(ring.startPosition == UInt64(model.start))
            #expect(ring.endPosition == UInt64(model.end))
            #expect(ring.freeBytes == max(0, ring.limit - (model.end - model.start)))
            #expect(model.budget.chunkBytesInUse <= model.mostChunks * Model.chunk)
        }
        model.publish()
        model.ring.release(upTo: UInt64(model.end))
        guard model.early.isEmpty else { return }
        model.ring.trim()
        #expect(model.budget.chunkBytesInUse == 0)
    }

    /// Publishes `total` bytes in pieces of random length, some placed out of order.
    private static func produce(_ total: Int, into ring: StreamRing, seed: UInt64) {
        var random = Generator(state: seed)
        var position = 0
        while position < total {
            let free = min(ring.freeBytes, total - position)
            guard free > 0 else {
                sched_yield()
                continue
            }
            let end = position + min(free, Int.random(in: 1...100_000, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let middle = Int.random(in: position...end, using: &random)
                ring.place(Source.bytes(middle..<end), at: UInt64(middle))
                ring.place(Source.bytes(position..<middle), at: UInt64(position))
                ring.advanceEnd(to: UInt64(end))
            case 1:
                ring.trim()
                fallthrough
            default:
                let written = ring.write(Source.bytes(position..<end))
                precondition(written == end - position, "what was free stays free")
            }
            position = end
        }
    }

    /// Checks `total` bytes, and lets the limit grow as they come.
    /// - Returns: the position of the first piece that is wrong.
    private static func consume(_ total: Int, from ring: StreamRing, seed: UInt64) -> Int? {
        var random = Generator(state: seed)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 8)
        defer { buffer.deallocate() }
        var position = 0
        var wrong: Int?
        while position < total {
            let wanted = Int.random(in: 1...buffer.count, using: &random)
            let count = ring.copy(
                from: UInt64(position),
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            if count == 0 { sched_yield() }
            let range = position..<position + count
            if wrong == nil, !Source.isThere(range, in: buffer.baseAddress!) { wrong = position }
            position += count
            ring.release(upTo: UInt64(position))
            if position >> 20 > ring.limit >> 12, ring.limit < ring.capacity { ring.limit *= 2 }
        }
        return wrong
    }

    @Test(arguments: [4096, 1 << 17, 1 << 24])
    func oneProducerAndOneConsumerOnTheirOwnThreads(capacity: Int) {
        let total = capacity == 4096 ? 8 << 20 : 256 << 20
        let budget = MemoryBudget(limit: 0)
        let ring = StreamRing(capacity: capacity, limit: 4096, pool: budget)
        // A thread of its own, and none of a pool: producers that have taken all of that would wait
        // for ever for consumers that get none.
        let isProduced = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            Self.produce(total, into: ring, seed: 1)
            isProduced.signal()
        }
        let wrong = Self.consume(total, from: ring, seed: 2)
        isProduced.wait()
        #expect(wrong == nil)
        #expect(ring.startPosition == UInt64(total) && ring.count == 0)
        ring.trim()
        #expect(budget.chunkBytesInUse == 0)
    }
}
