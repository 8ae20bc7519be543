import Testing

@testable import Gateway

/// In virtual time.
@Suite struct ArrivalRateTests {
    private let start = ContinuousClock.now
    private let key = ClientKey.ipv4(1)

    @Test func aBurstThenTheRate() {
        var table = ArrivalTable(limit: 16)
        let rate = ArrivalRate(interval: .milliseconds(100), burst: 5)
        for _ in 0..<5 { #expect(table.arrive(key, rate, now: start) == nil) }
        #expect(table.arrive(key, rate, now: start) == .milliseconds(100))
        #expect(table.arrive(key, rate, now: start + .milliseconds(99)) == .milliseconds(1))
        #expect(table.arrive(key, rate, now: start + .milliseconds(100)) == nil)
        #expect(table.arrive(key, rate, now: start + .milliseconds(100)) != nil)
        // Others have their own.
        #expect(table.arrive(.ipv4(2), rate, now: start) == nil)
    }

    @Test func aPauseFillsTheBucketAndNoMore() {
        var table = ArrivalTable(limit: 16)
        let rate = ArrivalRate(interval: .milliseconds(100), burst: 5)
        for _ in 0..<5 { _ = table.arrive(key, rate, now: start) }
        let later = start + .seconds(3600)
        for _ in 0..<5 { #expect(table.arrive(key, rate, now: later) == nil) }
        #expect(table.arrive(key, rate, now: later) != nil)
    }

    /// Whoever comes back when told to is served, whatever the rate.
    @Test(arguments: [
        Duration.milliseconds(1), .milliseconds(333), .seconds(6), .nanoseconds(7), .seconds(1000),
    ])
    func theWaitIsRight(interval: Duration) {
        var table = ArrivalTable(limit: 16)
        let rate = ArrivalRate(interval: interval, burst: 3)
        var now = start
        var served = 0
        for _ in 0..<1000 {
            guard let wait = table.arrive(key, rate, now: now) else {
                served += 1
                continue
            }
            #expect(wait > .zero && wait <= interval)
            now += wait
            #expect(table.arrive(key, rate, now: now) == nil)
            served += 1
        }
        #expect(now - start >= interval * (served - 3))
        #expect(now - start <= interval * (served - 2))
    }

    @Test func aSlowerRateOfBeforeIsForgotten() {
        var table = ArrivalTable(limit: 16)
        let slow = ArrivalRate(interval: .seconds(1000), burst: 10)
        for _ in 0..<10 { _ = table.arrive(key, slow, now: start) }
        let fast = ArrivalRate(interval: .milliseconds(10), burst: 10)
        #expect(table.arrive(key, fast, now: start) == .milliseconds(10))
        #expect(table.arrive(key, fast, now: start + .milliseconds(10)) == nil)
    }

    @Test func theTableIsBoundedAndKeepsTheLatest() {
        var table = ArrivalTable(limit: 1000)
        let rate = ArrivalRate(interval: .seconds(3600), burst: 1)
        for number in 0..<100_000 {
            #expect(table.arrive(.ipv6(network: UInt64(number)), rate, now: start) == nil)
            #expect(table.count <= 1000)
        }
        // The last half of the limit is remembered in any case.
        for number in (100_000 - 500)..<100_000 {
            #expect(table.arrive(.ipv6(network: UInt64(number)), rate, now: start) != nil)
        }
        #expect(table.arrive(.ipv6(network: 0), rate, now: start) == nil)
    }

    /// One that goes on all the time is never forgotten because of others.
    @Test func whoeverIsSeenStays() {
        var table = ArrivalTable(limit: 100)
        let rate = ArrivalRate(interval: .milliseconds(1), burst: 2)
        var now = start
        var served = 0
        for number in 0..<10_000 {
            now += .microseconds(100)
            _ = table.arrive(.ipv6(network: UInt64(number)), rate, now: now)
            if table.arrive(key, rate, now: now) == nil { served += 1 }
        }
        #expect((1000...1002).contains(served))
    }

    @Test func linesAreCounted() {
        var allowance = LogAllowance(ArrivalRate(interval: .seconds(1), burst: 2))
        #expect(allowance.line(now: start) == 0)
        #expect(allowance.line(now: start) == 0)
        for _ in 0..<7 { #expect(allowance.line(now: start) == nil) }
        #expect(allowance.line(now: start + .seconds(1)) == 7)
        #expect(allowance.line(now: start + .seconds(2)) == 0)
    }

    @Test func ratesFromSettings() {
        var rates = RateLimits()
        #expect(rates.requests == nil)
        #expect(rates.failures == ArrivalRate(interval: .seconds(6), burst: 10))
        rates.requestsPerSecond = 50
        #expect(rates.requests == ArrivalRate(interval: .milliseconds(20), burst: 100))
        rates.requestsPerSecond = 0.1
        #expect(rates.requests?.burst == 1)
        rates.burst = 7
        #expect(rates.requests?.burst == 7)
    }

    @Test(arguments: [
        (Duration.milliseconds(1), 1), (.zero, 1), (.seconds(1), 1), (.milliseconds(1001), 2),
        (.seconds(6), 6), (.nanoseconds(5_000_000_001), 6),
    ])
    func secondsAreRoundedUp(duration: Duration, seconds: Int) {
        #expect(duration.inWholeSeconds == seconds)
    }

    @Test func addressesAsClients() {
        #expect(ClientAddress("127.0.0.1:5").key == ClientAddress("[::ffff:127.0.0.1]:6").key)
        #expect(ClientAddress("[2001:db8::1]:5").key == ClientAddress("[2001:db8::ff:2]:6").key)
        #expect(ClientAddress("[2001:db8::1]:5").key != ClientAddress("[2001:db8:0:1::1]:5").key)
        #expect(ClientAddress("10.0.0.1:5").key != ClientAddress("10.0.0.2:5").key)
        #expect(ClientAddress("[2001:db8::1]:5").host == "2001:db8::1")
        #expect(ClientAddress("[::1]:5").isLoopback && !ClientAddress("10.0.0.1:5").isLoopback)
        #expect(ClientAddress("").key == .unknown && !ClientAddress("").isLoopback)
    }
}
