import Testing

@testable import LRP2PCore

struct ReceiveAssemblerTests {
    /// An assembler by reference, for the macros.
    private final class Box {
        let ring: StreamRing
        private var assembler: ReceiveAssembler

        init(capacity: Int, start: UInt32 = 0) {
            ring = StreamRing(capacity: capacity)
            assembler = ReceiveAssembler(ring: ring, initialSequenceNumber: start)
        }

        var window: Int { assembler.window }
        var nextExpected: UInt64 { assembler.nextExpected }

        func insert(_ position: UInt64, _ payload: [UInt8]) -> ReceiveAssembler.Insertion {
            payload.withUnsafeBytes { assembler.insert(position, $0) }
        }

        var stream: [UInt8] {
            var bytes = [UInt8](repeating: 0, count: ring.count)
            _ = bytes.withUnsafeMutableBytes { ring.copy(from: ring.startPosition, into: $0) }
            return bytes
        }
    }

    @Test func putsSegmentsIntoOrder() {
        let box = Box(capacity: 65_536)
        #expect(box.insert(2, [5, 6]) == .stored)
        #expect(box.insert(1, [3, 4]) == .stored)
        #expect(box.insert(2, [5, 6]) == .duplicate)
        #expect(box.insert(0, [1, 2]) == .delivered(6))
        #expect(box.insert(1, [3, 4]) == .duplicate)
        #expect(box.insert(3, []) == .delivered(0))
        #expect(box.insert(4, [7]) == .delivered(1))
        #expect(box.stream == [1, 2, 3, 4, 5, 6, 7])
        #expect(box.nextExpected == 5)
    }

    @Test func windowCountsWhatIsFreeAndNotPromised() {
        let box = Box(capacity: 16_384)
        let full = [UInt8](repeating: 1, count: WireFormat.maximumPayload)
        #expect(box.window == 12)
        #expect(box.insert(0, full) == .delivered(full.count))
        #expect(box.window == 11)
        #expect(box.insert(2, full) == .stored)
        #expect(box.window == 10)
        box.ring.release(upTo: UInt64(full.count))
        #expect(box.window == 11)
    }

    @Test func roomForGapsIsKeptFromAPeerThatIgnoresTheWindow() {
        let box = Box(capacity: 16_384)
        let full = [UInt8](repeating: 1, count: WireFormat.maximumPayload)
        // Eleven early ones would leave no room for the one that is missing before them.
        for position in 1...11 as ClosedRange<UInt64> {
            #expect(box.insert(position, full) == .stored)
        }
        #expect(box.insert(12, full) == .noRoom)
        #expect(box.insert(13, full) == .noRoom)
        #expect(box.insert(0, full) == .delivered(12 * full.count))
        #expect(box.window == 0)
        #expect(box.insert(12, full) == .noRoom)
        #expect(box.insert(12, [9]) == .delivered(1))
    }

    @Test func segmentsTooFarAheadAreRefused() {
        let box = Box(capacity: 1 << 26)
        #expect(box.insert(65_534, [1]) == .noRoom)
        #expect(box.insert(40_000, [1]) == .stored)
        // What the window says may be in flight, may be ahead.
        let large = Box(capacity: 1 << 28)
        #expect(large.insert(UInt64(large.window), [1]) == .noRoom)
        #expect(large.insert(UInt64(large.window - 1), [1]) == .stored)
    }

    @Test func everyOrderGivesTheSameStream() {
        var state: UInt64 = 5
        for _ in 0..<200 {
            let box = Box(capacity: 65_536, start: UInt32.max - 3)
            let start = UInt64(UInt32.max - 3)
            var order = Array(0..<20)
            for index in order.indices.reversed() {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                order.swapAt(index, Int(state >> 33) % (index + 1))
            }
            for index in order {
                let payload = pattern(index * 9..<(index + 1) * 9)
                _ = box.insert(start + UInt64(index), payload)
                _ = box.insert(start + UInt64(index), payload)
            }
            #expect(box.stream == pattern(0..<180))
        }
    }
}
