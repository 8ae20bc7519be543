import LRP2P
import Testing

@testable import lrp2p_bench

@Suite struct ImpairmentTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func fates(
        _ conditions: LinkConditions, seed: UInt64 = 1, count: Int = 20_000
    ) -> [Impairment.Fate] {
        var impairment = Impairment(conditions, seed: seed)
        return (0..<count).map { _ in impairment.decide(byteCount: 1400, now: now) }
    }

    private func share(
        _ fates: [Impairment.Fate], _ isCounted: (Impairment.Fate) -> Bool
    ) -> Double {
        Double(fates.filter(isCounted).count) / Double(fates.count)
    }

    @Test func aPerfectLinkDoesNothing() {
        #expect(fates(LinkConditions()).allSatisfy { $0 == .delivered(at: now) })
    }

    @Test func theSeedDecides() {
        let conditions = LinkConditions(
            loss: 0.1, duplication: 0.1, reordering: 0.1, delay: .milliseconds(5),
            jitter: .milliseconds(2))
        #expect(fates(conditions, seed: 7) == fates(conditions, seed: 7))
        #expect(fates(conditions, seed: 7) != fates(conditions, seed: 8))
    }

    /// One condition does not move the dice of another.
    @Test func lossesAreTheSameUnderAnyDelay() {
        let calm = fates(LinkConditions(loss: 0.2), seed: 3)
        let wild = fates(
            LinkConditions(
                loss: 0.2, duplication: 0.5, reordering: 0.3, delay: .milliseconds(50),
                jitter: .milliseconds(50)), seed: 3)
        #expect(calm.map { $0 == .lost } == wild.map { $0 == .lost })
    }

    @Test func sharesAreWhatWasAskedFor() {
        let result = fates(LinkConditions(loss: 0.05, duplication: 0.02))
        #expect(abs(share(result) { $0 == .lost } - 0.05) < 0.01)
        let duplicated = share(result) { if case .duplicated = $0 { true } else { false } }
        #expect(abs(duplicated - 0.02) < 0.01)
    }

    @Test func delaysStayWithinTheJitter() {
        let result = fates(
            LinkConditions(delay: .milliseconds(20), jitter: .milliseconds(10)))
        let delays = result.compactMap { fate -> Interval? in
            if case .delivered(let due) = fate { due - now } else { nil }
        }
        #expect(delays.count == result.count)
        #expect(delays.allSatisfy { $0 >= .milliseconds(10) && $0 <= .milliseconds(30) })
        #expect((delays.min() ?? .zero) < .milliseconds(11))
        #expect((delays.max() ?? .zero) > .milliseconds(29))
    }

    @Test func aShareIsHeldBack() {
        let result = fates(
            LinkConditions(
                reordering: 0.25, reorderDelay: .milliseconds(3), delay: .milliseconds(5)))
        let late = share(result) { $0 == .delivered(at: now + .milliseconds(8)) }
        let ordinary = share(result) { $0 == .delivered(at: now + .milliseconds(5)) }
        #expect(abs(late - 0.25) < 0.02)
        #expect(late + ordinary == 1)
    }

    @Test func theBottleneckSpacesAndTheQueueEnds() {
        var impairment = Impairment(
            LinkConditions(bytesPerSecond: 1_000_000, queueBytes: 3000), seed: 1)
        let fates = (0..<4).map { _ in impairment.decide(byteCount: 1000, now: now) }
        #expect(fates == [
            .delivered(at: now + .milliseconds(1)), .delivered(at: now + .milliseconds(2)),
            .delivered(at: now + .milliseconds(3)), .queueFull,
        ])
        let later = now + .milliseconds(10)
        #expect(
            impairment.decide(byteCount: 1000, now: later)
                == .delivered(at: later + .milliseconds(1)))
    }
}
