import Testing

@testable import LRP2PCore

struct BBRFilterTests {
    @Test func theBandwidthOfTwoCyclesCounts() {
        var filter = BBR.BandwidthFilter()
        filter.update(5)
        filter.update(3)
        #expect(filter.value == 5)
        filter.advance()
        filter.update(2)
        #expect(filter.value == 5)
        filter.advance()
        #expect(filter.value == 2)
        // A cycle without a sample keeps what there is.
        filter.advance()
        filter.advance()
        #expect(filter.value == 2)
    }

    @Test func theWindowedMaximumForgets() {
        var filter = BBR.WindowedMaximum()
        filter.update(10, at: 0, length: 10)
        for time in 1...10 as ClosedRange<UInt64> {
            filter.update(Double(time % 4), at: time, length: 10)
            #expect(filter.value == 10)
        }
        filter.update(1, at: 11, length: 10)
        #expect(filter.value < 10)
        #expect(filter.value >= 1)
        filter.update(7, at: 12, length: 10)
        #expect(filter.value == 7)
        // Long after, only the present counts.
        filter.update(2, at: 40, length: 10)
        #expect(filter.value == 2)
    }

    @Test func probesOfTwoConnectionsDriftApart() {
        var first = BBR.XorShift()
        var second = BBR.XorShift()
        let a = first.next(entropy: 14_000)
        let b = second.next(entropy: 15_400)
        #expect(a != b)
        #expect(first.next(entropy: 0) != a)
    }
}
