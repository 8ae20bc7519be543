import LRP2P
import Testing

@testable import lrp2p_bench

@Suite struct ArgumentTypesTests {
    @Test(arguments: [("5%", 0.05), ("0.25", 0.25), ("100%", 1), ("0", 0)])
    func shares(text: String, value: Double) {
        #expect(Share(argument: text)?.value == value)
    }

    @Test(arguments: ["5%", "0.07", "7%", "0.1%", "33.3%", "1e-9", "0", "1"])
    func aShareReadsItsOwnDescription(text: String) throws {
        let share = try #require(Share(argument: text))
        #expect(Share(argument: share.description)?.value == share.value)
    }

    @Test(arguments: ["", "%", "101%", "-1%", "nan", "x", "1.5"])
    func wrongShares(text: String) {
        #expect(Share(argument: text) == nil)
    }

    @Test(arguments: [
        ("20ms", Interval.milliseconds(20)), ("1.5s", .milliseconds(1500)),
        ("300us", .microseconds(300)), ("0s", .zero), ("20.3ms", .microseconds(20_300)),
        ("1.001us", Interval(nanoseconds: 1001)),
    ])
    func spans(text: String, value: Interval) {
        #expect(Span(argument: text)?.interval == value)
    }

    @Test(arguments: [
        0, 1, 999, 1001, 123_456_789, 20_000_000, 3_599_999_999_999, 3_600_000_000_000,
    ])
    func aSpanReadsItsOwnDescription(nanoseconds: Int64) {
        let span = Span(Interval(nanoseconds: nanoseconds))
        #expect(Span(argument: span.description)?.interval == span.interval)
    }

    @Test(arguments: ["", "20", "ms", "-1ms", "nans", "infs", "1e99s", "20 ms"])
    func wrongSpans(text: String) {
        #expect(Span(argument: text) == nil)
    }

    @Test(arguments: [
        ("8bit", 1), ("80kbit", 10_000), ("10mbit", 1_250_000), ("1gbit", 125_000_000),
    ])
    func rates(text: String, bytesPerSecond: Int) {
        #expect(BitRate(argument: text)?.bytesPerSecond == bytesPerSecond)
    }

    @Test(arguments: ["", "10", "mbit", "-1mbit", "0bit", "infbit", "nanbit", "1e300gbit"])
    func wrongRates(text: String) {
        #expect(BitRate(argument: text) == nil)
    }

    @Test(arguments: ["8bit", "10mbit", "16.000008mbit", "1gbit", "0.5kbit"])
    func aRateReadsItsOwnDescription(text: String) throws {
        let rate = try #require(BitRate(argument: text))
        #expect(BitRate(argument: rate.description)?.bytesPerSecond == rate.bytesPerSecond)
    }
}
