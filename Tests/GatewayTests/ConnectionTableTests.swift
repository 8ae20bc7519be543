import Testing

@testable import Gateway

@Suite struct ConnectionTableTests {
    private let start = ContinuousClock.now

    private func table(_ ids: String...) -> ConnectionTable<Int> {
        var table = ConnectionTable<Int>(maximumClosed: 2, retention: .seconds(60))
        for (index, id) in ids.enumerated() {
            let isNew = table.insert(index, id: id)
            #expect(isNew)
        }
        return table
    }

    private func close(
        _ table: inout ConnectionTable<Int>, _ id: String, _ now: ContinuousClock.Instant
    ) -> Bool {
        table.markClosed(id: id, now: now)
    }

    @Test func keepsOrderAndRefusesTakenIDs() {
        var table = table("b", "a", "c")
        let isNew = table.insert(9, id: "a")
        #expect(!isNew)
        #expect(table.all.map(\.id) == ["b", "a", "c"])
        #expect(table.all.map(\.sequence) == [0, 1, 2])
        #expect(table["a"]?.entry == 1)
        #expect(table["x"] == nil)
    }

    @Test func closedOnesStayUntilThereAreTooMany() {
        var table = table("a", "b", "c", "d")
        #expect(close(&table, "c", start))
        #expect(close(&table, "a", start))
        #expect(!close(&table, "a", start))
        #expect(!close(&table, "x", start))
        #expect((table.openCount, table.closedCount) == (2, 2))
        #expect(close(&table, "d", start))
        let removed = table.removeExpired(now: start)
        #expect(removed == [2])
        #expect(table.all.map(\.id) == ["a", "b", "d"])
        #expect((table.openCount, table.closedCount) == (1, 2))
    }

    @Test func whatIsKeptStaysHoweverOldItIs() {
        var table = ConnectionTable<Int>(
            maximumClosed: 1, retention: .seconds(60), isKept: { $0 == 0 })
        for (entry, id) in ["a", "b", "c"].enumerated() {
            _ = table.insert(entry, id: id)
            _ = close(&table, id, start)
        }
        let excess = table.removeExpired(now: start)
        #expect(excess == [1, 2])
        let old = table.removeExpired(now: start + .seconds(9999))
        #expect(old.isEmpty && table.all.map(\.id) == ["a"])
    }

    @Test func closedOnesStayUntilTheirTimeIsOver() {
        var table = table("a", "b", "c")
        #expect(close(&table, "b", start))
        #expect(close(&table, "a", start + .seconds(10)))
        _ = table.removeExpired(now: start + .seconds(59))
        #expect(table.all.count == 3)
        _ = table.removeExpired(now: start + .seconds(60))
        #expect(table.all.map(\.id) == ["a", "c"])
        _ = table.removeExpired(now: start + .seconds(3600))
        #expect(table.all.map(\.id) == ["c"])
    }

    @Test func removes() {
        var table = table("a", "b", "c")
        #expect(close(&table, "b", start))
        table.remove(id: "b")
        table.remove(id: "b")
        table.remove(id: "a")
        #expect((table.openCount, table.closedCount) == (1, 0))
        let isNew = table.insert(7, id: "a")
        #expect(isNew)
        #expect(table.all.map(\.sequence) == [2, 3])
    }

    @Test func pages() {
        var table = table("a", "b", "c", "d", "e")
        table.remove(id: "b")
        let first = table.page(from: 0, limit: 2) { _ in true }
        #expect(first.slots.map(\.id) == ["a", "c"])
        #expect(first.next == 3)
        // What a page ends before may be gone when the next one is asked for.
        table.remove(id: "d")
        let second = table.page(from: 3, limit: 2) { _ in true }
        #expect(second.slots.map(\.id) == ["e"])
        #expect(second.next == nil)
        let odd = table.page(from: 0, limit: 1) { !$0.entry.isMultiple(of: 2) }
        #expect(odd.slots.isEmpty && odd.next == nil)
        #expect(table.page(from: 99, limit: 1) { _ in true }.slots.isEmpty)
        // The last match fills the page: there is no next one.
        #expect(table.page(from: 0, limit: 3) { _ in true }.next == nil)
    }
}
