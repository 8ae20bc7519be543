import Testing

@testable import LRP2PCore

struct SocketAddressTests {
    @Test func mappedAddressesAreTheirIPv4Form() {
        let mapped = SocketAddress(ipv6High: 0, low: 0xffff_7f00_0001, scopeID: 3, port: 5)
        #expect(mapped == SocketAddress.loopback(port: 5))
        #expect(mapped.family == .ipv4)
        #expect(SocketAddress(ipv6High: 0, low: 1, port: 5).family == .ipv6)
    }

    @Test func hostsAreComparedWithoutPorts() {
        let one = SocketAddress(ipv6High: 1, low: 2, scopeID: 4, port: 5)
        #expect(one.host == one.with(port: 6).host)
        #expect(one != one.with(port: 6))
        #expect(one.host != SocketAddress(ipv6High: 1, low: 2, scopeID: 5, port: 5).host)
        #expect(
            SocketAddress(ipv4: 1, port: 5).host != SocketAddress(ipv6High: 0, low: 1, port: 5).host)
    }
}

struct TimeTests {
    @Test func intervalsAndDurationsAgree() {
        #expect(Interval(.milliseconds(1500)) == .milliseconds(1500))
        #expect(Duration(Interval.microseconds(7)) == .microseconds(7))
        #expect(Interval(.seconds(-2)) == .seconds(-2))
        #expect(Interval(.seconds(Int64.max)).nanoseconds == .max)
        #expect(Interval(.seconds(Int64.min)).nanoseconds == .min)
        let nearly = Duration(
            secondsComponent: 9_223_372_036, attosecondsComponent: 999_000_000_000_000_000)
        #expect(Interval(nearly).nanoseconds == .max)
        #expect(Instant(nanoseconds: 5) + Interval(nanoseconds: .max) == .distantFuture)
        #expect(Interval.milliseconds(250).inSeconds == 0.25)
    }

    @Test func histogramBucketsHaveInclusiveUpperBounds() {
        var histogram = Histogram(upperBoundsInSeconds: [0.001, 0.01])
        for value in [1_000_000, 1_000_001, 10_000_000, 10_000_001] as [Int64] {
            histogram.observe(Interval(nanoseconds: value))
        }
        #expect(histogram.counts == [1, 2, 1])
        #expect((histogram.sumInSeconds - 0.022_000_002).magnitude < 1e-12)
    }
}
