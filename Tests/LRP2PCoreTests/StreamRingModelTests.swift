import Foundation
import Synchronization
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

    /// A ring whose bytes tell their position, and the pieces that were placed too early.
    private struct Model {
        static let chunk = MemoryBudget.chunkBytes

        let budget = MemoryBudget(limit: 1 << 30)
        let ring: StreamRing
        var random: Generator
        var start = 0
        var end = 0
        var early: [Range<Int>] = []
        let source: [UInt8]
        var buffer = [UInt8](repeating: 0, count: 1 << 20)

        init(seed: UInt64) {
            random = Generator(state: seed &* 0x9E37_79B9_7F4A_7C15)
            source = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8) &* 13) }
            let capacity = 1 << Int.random(in: 12...20, using: &random)
            ring = StreamRing(
                capacity: capacity, limit: Int.random(in: 0...capacity, using: &random),
                pool: budget)
        }

        /// The pattern repeats after `source.count` bytes, which no chunk size divides by chance:
        /// the generation is mixed in.
        func expected(_ range: Range<Int>) -> [UInt8] {
            range.map { source[$0 % source.count] ^ UInt8(truncatingIfNeeded: $0 / source.count) }
        }

        mutating func length() -> Int {
            let largest = [1, 100, 1400, Self.chunk, ring.capacity].randomElement(using: &random)!
            return Int.random(in: 0...largest, using: &random)
        }

        mutating func write() {
            let bytes = expected(end..<end + length())
            let written = bytes.withUnsafeBytes { ring.write($0) }
            #expect(written == max(0, min(bytes.count, ring.limit - (end - start))))
            end += written
            early.removeAll { $0.upperBound <= end }
        }

        mutating func place() {
            let room = start + ring.limit - end
            guard room > 0 else { return }
            let first = end + Int.random(in: 0..<room, using: &random)
            let range = first..<min(first + length(), start + ring.limit)
            expected(range).withUnsafeBytes { ring.place($0, at: UInt64(first)) }
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
            let wanted = min(length(), buffer.count)
            let count = buffer.withUnsafeMutableBytes {
                ring.copy(
                    from: UInt64(position), into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]))
            }
            #expect(count == min(wanted, end - position))
            #expect(buffer[..<count].elementsEqual(expected(position..<position + count)))
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

    /// Words that tell their position, so that a wrong byte or one of an earlier lap is noticed.
    private static func fill(_ words: UnsafeMutableBufferPointer<UInt64>, from position: UInt64) {
        for index in words.indices {
            words[index] = (position / 8 &+ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15
        }
    }

    /// Publishes `total` bytes in pieces of random length, some placed out of order.
    private static func produce(_ total: UInt64, into ring: StreamRing, seed: UInt64) {
        var random = Generator(state: seed)
        let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 14)
        defer { words.deallocate() }
        var position: UInt64 = 0
        while position < total {
            let free = min(ring.freeBytes, Int(total - position)) & ~7
            guard free > 0 else {
                ring.trim()
                continue
            }
            let length = min(free, 8 * Int.random(in: 1...words.count, using: &random))
            let piece = UnsafeMutableBufferPointer(rebasing: words[..<(length / 8)])
            fill(piece, from: position)
            let bytes = UnsafeRawBufferPointer(piece)
            if Bool.random(using: &random) {
                let middle = (length / 2) & ~7
                ring.place(
                    UnsafeRawBufferPointer(rebasing: bytes[middle...]),
                    at: position + UInt64(middle))
                ring.place(UnsafeRawBufferPointer(rebasing: bytes[..<middle]), at: position)
                ring.advanceEnd(to: position + UInt64(length))
            } else {
                precondition(ring.write(bytes) == length, "what was free stays free")
            }
            position += UInt64(length)
        }
    }

    /// Checks `total` bytes; the position of the first wrong word, if there is one.
    private static func consume(_ total: UInt64, from ring: StreamRing, seed: UInt64) -> UInt64? {
        var random = Generator(state: seed)
        let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 14)
        let expected = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 14)
        defer {
            words.deallocate()
            expected.deallocate()
        }
        var position: UInt64 = 0
        while position < total {
            let wanted = Int.random(in: 1...words.count, using: &random)
            let buffer = UnsafeMutableRawBufferPointer(
                UnsafeMutableBufferPointer(rebasing: words[..<wanted]))
            let count = ring.copy(from: position, into: buffer) / 8
            fill(UnsafeMutableBufferPointer(rebasing: expected[..<count]), from: position)
            guard words[..<count].elementsEqual(expected[..<count]) else { return position }
            position += UInt64(count) * 8
            ring.release(upTo: position)
        }
        return nil
    }

    @Test(arguments: [4096, 1 << 17, 1 << 24])
    func oneProducerAndOneConsumerOnTheirOwnThreads(capacity: Int) {
        let total: UInt64 = capacity == 4096 ? 8 << 20 : 128 << 20
        let budget = MemoryBudget(limit: 0)
        let ring = StreamRing(capacity: capacity, limit: capacity, pool: budget)
        let wrong = Mutex<UInt64?>(nil)
        let isDone = Atomic<Bool>(false)
        DispatchQueue.concurrentPerform(iterations: 3) { role in
            switch role {
            case 0:
                Self.produce(total, into: ring, seed: 1)
            case 1:
                let position = Self.consume(total, from: ring, seed: 2)
                wrong.withLock { $0 = position }
                isDone.store(true, ordering: .releasing)
            default:
                // The network thread tunes the limit; writing must go on, and growth only helps.
                var random = Generator(state: 3)
                while !isDone.load(ordering: .acquiring) {
                    ring.limit = max(ring.limit, Int.random(in: 4096...capacity, using: &random))
                }
            }
        }
        #expect(wrong.withLock { $0 } == nil)
        #expect(ring.startPosition == total && ring.count == 0)
        ring.trim()
        #expect(budget.chunkBytesInUse == 0)
    }
}
