import Testing

@testable import LRP2P

@Suite struct VigilanceTests {
    private static let start = Instant(nanoseconds: 1_000_000)

    /// One idle time, in turns of a microsecond. How long it kept looking.
    private func idle(
        for gap: Interval, _ vigilance: inout Vigilance, from start: Instant = Self.start
    ) -> Interval {
        var elapsed = Interval.zero
        while elapsed < gap, vigilance.keepsLooking(now: start + elapsed) {
            elapsed = elapsed + .microseconds(1)
        }
        vigilance.sawWork()
        return elapsed
    }

    @Test func looksUntilWorkComes() {
        var vigilance = Vigilance()
        for _ in 0..<1000 {
            let looked = idle(for: .microseconds(20), &vigilance)
            #expect(looked == .microseconds(20))
        }
    }

    @Test func oneLookIsBounded() {
        var vigilance = Vigilance()
        let looked = idle(for: .seconds(1), &vigilance)
        #expect(looked == Vigilance.limit)
    }

    @Test func onceAsleepItStaysAsleepUntilThereIsWork() {
        var vigilance = Vigilance()
        while vigilance.keepsLooking(now: Self.start) && vigilance.keepsLooking(
            now: Self.start + Vigilance.limit)
        {}
        let again = vigilance.keepsLooking(now: Self.start + Vigilance.limit * 2)
        #expect(!again)
    }

    @Test func slowTrafficCostsAlmostNothing() {
        var vigilance = Vigilance()
        var looked = Interval.zero
        let times = 10_000
        for _ in 0..<times { looked = looked + idle(for: .milliseconds(1), &vigilance) }
        // While it learns, once for each doubling, then once in so many.
        let tries = Int64(10 + times / Vigilance.maximumSleeps)
        #expect(looked <= Vigilance.limit * tries)
        #expect(looked > .zero)
    }

    @Test func fastTrafficAfterSlowIsNoticed() {
        var vigilance = Vigilance()
        for _ in 0..<10_000 { _ = idle(for: .milliseconds(1), &vigilance) }
        for _ in 0...Vigilance.maximumSleeps { _ = idle(for: .microseconds(5), &vigilance) }
        for _ in 0..<10 {
            let looked = idle(for: .microseconds(5), &vigilance)
            #expect(looked == .microseconds(5))
        }
    }
}
