import Noise
import Testing

/// The macros of the test library cannot call a mutating method; a reference can be passed.
private final class Window {
    private var window = ReplayWindow()
    func insert(_ nonce: UInt64) -> Bool { window.insert(nonce) }
}

struct ReplayWindowTests {
    @Test func eachNonceCountsOnce() {
        let window = Window()
        for nonce in [0, 1, 5, 3, 64, 63, 1000] as [UInt64] {
            #expect(window.insert(nonce))
            #expect(!window.insert(nonce))
        }
        #expect(window.insert(999))
        #expect(window.insert(2))
    }

    @Test func whatFellOutOfTheWindowIsTakenForAReplay() {
        let window = Window()
        let top: UInt64 = 1_000_000
        #expect(window.insert(top))
        #expect(window.insert(top - UInt64(ReplayWindow.size) + 1))
        #expect(!window.insert(top - UInt64(ReplayWindow.size)))
        #expect(!window.insert(0))
    }

    @Test func aJumpForgetsNothingInsideTheWindow() {
        // Against a set of everything received, over steps of every size around the word count.
        let window = Window()
        var seen: Set<UInt64> = []
        var highest: UInt64 = 0
        var state: UInt64 = 42
        for round in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let forward = state >> 60 == 0 ? (state >> 33) % 20_000 : (state >> 33) % 70
            let base = highest + forward
            let nonce = round % 3 == 0 ? base : base - min(base, (state >> 20) % 9_000)
            let isFresh =
                !seen.contains(nonce)
                && (nonce > highest || highest - nonce < UInt64(ReplayWindow.size))
            #expect(window.insert(nonce) == isFresh)
            if isFresh { seen.insert(nonce) }
            highest = max(highest, seen.contains(nonce) ? nonce : highest)
        }
    }

    @Test func theLargestNonceFits() {
        let window = Window()
        #expect(window.insert(.max))
        #expect(!window.insert(.max))
        #expect(window.insert(.max - 1))
    }
}
