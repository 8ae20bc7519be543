import Testing

@testable import HTTPServer

@Suite struct HeaderClockTests {
    private static let start = ContinuousClock.now

    /// Looks at the given second.
    private static func isOver(
        _ clock: inout HeaderClock, at second: Int, phase: Int, received: Int64
    ) -> Bool {
        clock.isOver(
            phase: phase, received: received, now: start + .seconds(second), limit: .seconds(10))
    }

    @Test func firstHeaderHasItsTimeFromTheConnectionOn() {
        var clock = HeaderClock(openedAt: Self.start)
        #expect(Self.isOver(&clock, at: 1, phase: 0, received: 1) == false)
        #expect(Self.isOver(&clock, at: 9, phase: 0, received: 9) == false)
        #expect(Self.isOver(&clock, at: 10, phase: 0, received: 10) == true)
    }

    @Test func silenceIsNotCounted() {
        var clock = HeaderClock(openedAt: Self.start)
        #expect(Self.isOver(&clock, at: 100, phase: 0, received: 0) == false)
        // One request later.
        #expect(Self.isOver(&clock, at: 101, phase: 2, received: 50) == false)
        #expect(Self.isOver(&clock, at: 200, phase: 2, received: 50) == false)
        #expect(Self.isOver(&clock, at: 205, phase: 2, received: 51) == false)
        #expect(Self.isOver(&clock, at: 209, phase: 2, received: 52) == false)
        #expect(Self.isOver(&clock, at: 210, phase: 2, received: 52) == true)
    }

    @Test func requestsAreNotCounted() {
        var clock = HeaderClock(openedAt: Self.start)
        #expect(Self.isOver(&clock, at: 1, phase: 1, received: 0) == false)
        #expect(Self.isOver(&clock, at: 1000, phase: 1, received: 0) == false)
        #expect(Self.isOver(&clock, at: 1001, phase: 2, received: 900) == false)
    }

    @Test func eachRequestHasItsOwnTime() {
        var clock = HeaderClock(openedAt: Self.start)
        for second in 0..<100 {
            let isOver = Self.isOver(
                &clock, at: second, phase: second * 2, received: Int64(second) * 100)
            #expect(!isOver)
        }
    }
}
