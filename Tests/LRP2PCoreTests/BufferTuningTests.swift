import Testing

@testable import LRP2PCore

struct BufferTuningTests {
    private static let limit = 64 << 10

    /// How often a window should have grown while a reader takes `piece` bytes every `pause`.
    private func growths(
        piece: Int, pause: Interval, roundTrip: Interval = .milliseconds(1), reads: Int = 100
    ) -> Int {
        var tuning = BufferTuning()
        var now = Instant(nanoseconds: 1_000_000_000_000), position: UInt64 = 0, count = 0
        for _ in 0..<reads {
            now = now + pause
            position += UInt64(piece)
            let grows = tuning.didRead(
                upTo: position, limit: Self.limit, roundTrip: roundTrip, now: now)
            count += grows ? 1 : 0
        }
        return count
    }

    @Test func aWindowReadWithinTwoRoundTripsIsTooSmall() {
        #expect(growths(piece: 1000, pause: .microseconds(100)) > 0)
        #expect(growths(piece: 1000, pause: .milliseconds(2), roundTrip: .milliseconds(100)) > 0)
    }

    @Test func aReaderThatIsSlowerThanThePathGetsNoMore() {
        #expect(growths(piece: 1000, pause: .milliseconds(2)) == 0)
        #expect(growths(piece: 1000, pause: .milliseconds(20), roundTrip: .milliseconds(100)) == 0)
    }

    /// Such as a client that asks over HTTP for all there is, again and again.
    @Test func aReaderThatTakesHalfAWindowAtOnceGetsMore() {
        #expect(growths(piece: Self.limit / 2, pause: .milliseconds(50)) > 90)
        #expect(growths(piece: Self.limit / 2, pause: .seconds(2)) == 0)
    }
}
