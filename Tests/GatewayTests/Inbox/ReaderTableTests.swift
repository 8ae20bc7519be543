import Testing

@testable import Gateway

struct ReaderTableTests {
    private let start = ContinuousClock.now

    private func table(limit: Int = 3) -> ReaderTable {
        ReaderTable(limit: limit, timeout: .seconds(60))
    }

    @Test func theSlowestReaderDecides() throws {
        var table = table()
        #expect(table.released == nil)
        try table.join("a", at: 0, begins: false, now: start)
        try table.join("b", at: 0, begins: false, now: start)
        table.acknowledge("a", upTo: 10, now: start)
        #expect(table.released == 0)
        table.acknowledge("b", upTo: 7, now: start)
        #expect(table.released == 7 && table.positions == ["a": 10, "b": 7])
        table.acknowledge("b", upTo: 3, now: start)
        table.acknowledge("nobody", upTo: 100, now: start)
        #expect(table.released == 7)
        let first = table.remove("b"), second = table.remove("b")
        #expect(first && !second)
        #expect(table.released == 10)
    }

    @Test func joiningAgainChangesNothing() throws {
        var table = table()
        try table.join("a", at: 5, begins: true, now: start)
        try table.join("a", at: 100, begins: true, now: start)
        #expect(table.position(of: "a") == 5)
    }

    @Test func thereAreOnlySoMany() throws {
        var table = table(limit: 2)
        try table.join("a", at: 0, begins: false, now: start)
        try table.join("b", at: 0, begins: false, now: start)
        #expect(throws: ReaderTable.Refusal.tooManyReaders(limit: 2)) {
            try table.join("c", at: 0, begins: true, now: start)
        }
        _ = table.remove("a")
        try table.join("c", at: 0, begins: true, now: start)
    }

    /// Only who is behind another one is expired, after the time without progress.
    @Test func whoHoldsOthersBackIsExpired() throws {
        var table = table()
        var expired: [String]
        try table.join("slow", at: 0, begins: false, now: start)
        expired = table.expire(now: start + .seconds(1000))
        #expect(expired == [], "it holds nobody back")
        try table.join("fast", at: 0, begins: false, now: start)
        table.acknowledge("fast", upTo: 100, now: start + .seconds(10))
        expired = table.expire(now: start + .seconds(69))
        #expect(expired == [])
        // Any progress counts.
        table.acknowledge("slow", upTo: 1, now: start + .seconds(69))
        expired = table.expire(now: start + .seconds(128))
        #expect(expired == [])
        table.acknowledge("fast", upTo: 200, now: start + .seconds(128))
        expired = table.expire(now: start + .seconds(129))
        #expect(expired == ["slow"])
        #expect(table.released == 200)
        #expect(throws: ReaderTable.Refusal.expired) {
            try table.join("slow", at: 200, begins: false, now: start)
        }
        // It says itself where it begins again.
        try table.join("slow", at: 200, begins: true, now: start)
        #expect(table.position(of: "slow") == 200)
        expired = table.expire(now: start + .seconds(9999))
        #expect(expired == [], "it is level")
    }

    @Test func expiredNamesAreForgottenInTurn() throws {
        var table = table(limit: 2)
        for round in 0..<4 {
            let now = start + .seconds(1000 * round)
            try table.join("old\(round)", at: 0, begins: false, now: now)
            try table.join("new", at: 0, begins: true, now: now)
            table.acknowledge("new", upTo: UInt64(round + 1), now: now)
            let expired = table.expire(now: now + .seconds(60))
            #expect(expired == ["old\(round)"])
        }
        try table.join("old1", at: 4, begins: false, now: start)
        _ = table.remove("old1")
        #expect(throws: ReaderTable.Refusal.expired) {
            try table.join("old3", at: 4, begins: false, now: start)
        }
    }

    @Test func namesAreShortAndPlain() {
        for name in ["a", "A.b_c-9", String(repeating: "x", count: 64)] {
            #expect(ReaderTable.isName(name))
        }
        for name in ["", "a b", "ä", "a/b", String(repeating: "x", count: 65)] {
            #expect(!ReaderTable.isName(name))
        }
    }
}
