import Testing

@testable import LRP2PCore

/// Datagrams of 1000 bytes; the burst is 10 of them up to 10 MB/s.
struct PacerTests {
    /// Sends all that may leave, for a while, waking up `lateness` after each release time.
    ///
    /// - Returns: bytes sent, and the most at one time.
    private func send(
        _ pacer: inout Pacer, rate: Double, for length: Interval, lateness: Interval = .zero
    ) -> (sent: Int, burst: Int) {
        var now = Instant.seconds(1)
        let end = now + length
        var sent = 0
        var burst = 0
        while now < end {
            var train = 0
            while true {
                guard let time = pacer.releaseTime(size: 1000, rate: rate, now: now) else {
                    pacer.didSend(size: 1000, rate: rate, now: now)
                    train += 1000
                    continue
                }
                sent += train
                burst = max(burst, train)
                now = time + lateness
                break
            }
        }
        return (sent, burst)
    }

    @Test func withoutARateNothingWaits() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        for _ in 0..<1000 {
            let time = pacer.releaseTime(size: 1000, rate: nil, now: .seconds(1))
            #expect(time == nil)
            pacer.didSend(size: 1000, rate: nil, now: .seconds(1))
        }
    }

    @Test func anInitialWindowLeavesAtOnce() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        let allowance = pacer.allowance(rate: 1e6, now: .seconds(1))
        #expect(allowance == 10_000)
        for _ in 0..<10 {
            let time = pacer.releaseTime(size: 1000, rate: 1e6, now: .seconds(1))
            #expect(time == nil)
            pacer.didSend(size: 1000, rate: 1e6, now: .seconds(1))
        }
        // At 1 MB/s the eleventh comes 1 ms later.
        let time = pacer.releaseTime(size: 1000, rate: 1e6, now: .seconds(1))
        #expect(time == .milliseconds(1001))
    }

    @Test(arguments: [1e4, 1e6, 12.5e6, 125e6, 1.25e9])
    func theRateIsKept(rate: Double) {
        var pacer = Pacer(maximumDatagramSize: 1000)
        let (sent, burst) = send(&pacer, rate: rate, for: .seconds(10))
        let allowed = rate * 10 + Double(pacer.burst(rate: rate))
        #expect(Double(sent) <= allowed + 1000)
        #expect(Double(sent) >= rate * 10 * 0.99)
        #expect(burst <= Pacer.maximumBurst)
    }

    @Test(arguments: [1e6, 12.5e6, 1.25e9])
    func aTimerThatIsLateDoesNotLowerTheRate(rate: Double) {
        var pacer = Pacer(maximumDatagramSize: 1000)
        let (sent, _) = send(&pacer, rate: rate, for: .seconds(2), lateness: .milliseconds(2))
        #expect(Double(sent) >= rate * 2 * 0.98)
    }

    @Test func aPauseIsNotMadeUpFor() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        _ = pacer.allowance(rate: 1e6, now: .seconds(1))
        pacer.didSend(size: 10_000, rate: 1e6, now: .seconds(1))
        let allowance = pacer.allowance(rate: 1e6, now: .seconds(60))
        #expect(allowance == 10_000)
    }

    @Test func aTrainLeavesTogetherAtHighRates() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        #expect(pacer.burst(rate: 100e6) == 100_000)
        #expect(pacer.burst(rate: 10e9) == Pacer.maximumBurst)
        // And what must wait, waits for half of one: not for a single datagram.
        pacer.didSend(size: 100_000, rate: 100e6, now: .seconds(1))
        let time = pacer.releaseTime(size: 1000, rate: 100e6, now: .seconds(1))
        #expect(time == Instant.seconds(1) + .microseconds(500))
    }

    @Test func whatHadToLeaveIsPaidBackLater() {
        // Probes do not ask (RFC 9002 §7.5).
        var pacer = Pacer(maximumDatagramSize: 1000)
        pacer.didSend(size: 20_000, rate: 1e6, now: .seconds(1))
        let allowance = pacer.allowance(rate: 1e6, now: .seconds(1))
        #expect(allowance == 0)
        let time = pacer.releaseTime(size: 1000, rate: 1e6, now: .seconds(1))
        #expect(time == .milliseconds(1011))
    }

    @Test func theLargestDatagramsFit() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        pacer.didChangeMaximumDatagramSize(65_507)
        let time = pacer.releaseTime(size: 65_507, rate: 1000, now: .seconds(1))
        #expect(time == nil)
        #expect(pacer.burst(rate: 1000) >= 2 * 65_507)
    }

    @Test func aTinyRateStillHasADeadline() {
        var pacer = Pacer(maximumDatagramSize: 1000)
        pacer.didSend(size: 10_000, rate: 1e-9, now: .seconds(1))
        let time = pacer.releaseTime(size: 1000, rate: 1e-9, now: .seconds(1))
        #expect(time == .seconds(61))
    }
}
