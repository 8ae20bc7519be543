import Foundation
import Testing

@testable import LRP2PCore

struct StreamRingTests {
    private func write(_ bytes: [UInt8], to ring: StreamRing) -> Int {
        bytes.withUnsafeBytes { ring.write($0) }
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
        // Across the end of the storage.
        #expect(write(pattern(4096..<6000), to: ring) == 1904)
        #expect(copy(ring, from: 2500, max: 10_000) == pattern(2500..<6000))
        #expect(copy(ring, from: 6000, max: 10) == [])
        #expect(copy(ring, from: 7000, max: 10) == [])
    }

    @Test func oneProducerAndOneConsumerOnTheirOwnThreads() {
        let ring = StreamRing(capacity: 4096)
        let total = 3_000_000
        let source = pattern(0..<total)
        let producer = Thread {
            var sent = 0
            while sent < total {
                let end = min(total, sent + 777)
                sent += source[sent..<end].withUnsafeBytes { ring.write($0) }
            }
        }
        producer.start()
        var received: [UInt8] = []
        received.reserveCapacity(total)
        while received.count < total {
            let part = copy(ring, from: UInt64(received.count), max: 1000)
            #expect(ring.count <= 4096 && ring.freeBytes >= 0)
            received += part
            ring.release(upTo: UInt64(received.count))
        }
        #expect(received == source)
    }
}
