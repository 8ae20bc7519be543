import Testing

@testable import LRP2PCore

/// What is kept, or answered, at most.
struct ExtendedLimitTests {
    @Test func resetsAreRareEnough() {
        let endpoint = Pair.makeEndpoint(EndpointConfiguration(), seed: 9)
        var stray = [UInt8](repeating: 0, count: 60)
        stray[8] = 0x80
        func answers(at now: Instant) -> Int {
            for id in 0..<UInt8(150) {
                stray[0] = id
                stray.withUnsafeMutableBytes {
                    endpoint.handleDatagram($0, from: Pair.addressA, now: now)
                }
            }
            var count = 0
            withUnsafeTemporaryAllocation(
                byteCount: Endpoint.maximumDatagramSize, alignment: 8
            ) { buffer in
                while endpoint.pollTransmit(into: buffer, now: now) != nil { count += 1 }
            }
            return count
        }
        let start = Instant(nanoseconds: 5_000_000_000)
        let first = answers(at: start), soon = answers(at: start + .milliseconds(999))
        let later = answers(at: start + .seconds(1))
        #expect(first == Endpoint.maximumResetsPerSecond)
        #expect(soon == 0)
        #expect(later == Endpoint.maximumResetsPerSecond)
    }

    @Test func gapsInAStreamAreBounded() {
        let ring = StreamRing(capacity: 1 << 20)
        var stream = ReceiveStream(limit: 1 << 20)
        func insert(at offset: UInt64) -> ReceiveStream.Insertion {
            [UInt8](repeating: 1, count: 1).withUnsafeBytes {
                stream.insert($0, at: offset, isFinal: false, into: ring)
            }
        }
        var stored = 0
        while stored < 10_000, insert(at: UInt64(2 * stored + 1)) == .stored { stored += 1 }
        #expect(stored == ReceiveStream.minimumEarlyRanges)
        let refused = insert(at: UInt64(2 * stored + 1)), gap = insert(at: 0)
        #expect(refused == .noRoom)
        // Filling a gap makes room for one more.
        #expect(gap == .delivered(2))
        let again = insert(at: UInt64(2 * stored + 1))
        #expect(again == .stored)
    }

    @Test func theOldestLostPacketsAreForgotten() {
        var detection = SpuriousLossDetection()
        for number in 0..<UInt64(257) {
            detection.didGiveUp(LostPacket(number: number, cause: .probeTimeout))
        }
        let forgotten = detection.takeLate(in: 0...63), oldest = detection.takeLate(in: 0...64)
        let newest = detection.takeLate(in: 256...1000)
        #expect(forgotten?.number == nil)
        #expect(oldest?.number == 64)
        #expect(newest?.number == 256)
    }
}

