import Testing

@testable import Gateway

@Suite struct ArrivalListTests {
    private func list(limit: Int, _ ids: String...) -> ArrivalList {
        var list = ArrivalList(limit: limit)
        for id in ids { list.append(id) }
        return list
    }

    private func take(_ list: inout ArrivalList) -> ArrivalList.Lookup {
        list.takeNext { _ in true }
    }

    @Test func followsInOrderWithoutConsuming() {
        let list = list(limit: 8, "a", "b")
        for _ in 0..<2 {
            #expect(list.next(from: 0) { _ in true } == .found(id: "a", next: 1))
            #expect(list.next(from: 1) { _ in true } == .found(id: "b", next: 2))
            #expect(list.next(from: 2) { _ in true } == .none(end: 2))
        }
    }

    @Test func skipsWhatIsGone() {
        let list = list(limit: 8, "a", "b", "c")
        #expect(list.next(from: 0) { $0 == "c" } == .found(id: "c", next: 3))
        #expect(list.next(from: 0) { _ in false } == .none(end: 3))
    }

    @Test func handsOutEachOnce() {
        var list = list(limit: 8, "a", "b")
        #expect(list.peekNext { _ in true } == .found(id: "a", next: 1))
        #expect(take(&list) == .found(id: "a", next: 1))
        #expect(take(&list) == .found(id: "b", next: 2))
        #expect(take(&list) == .none(end: 2))
        list.append("c")
        #expect(take(&list) == .found(id: "c", next: 3))
        // Following by position is not affected.
        #expect(list.next(from: 0) { _ in true } == .found(id: "a", next: 1))
    }

    @Test func handsOutThoseThatAreWanted() {
        var list = list(limit: 8, "a", "b", "c", "b2")
        #expect(list.takeNext { $0.hasPrefix("b") } == .found(id: "b", next: 2))
        #expect(list.takeNext { $0.hasPrefix("b") } == .found(id: "b2", next: 4))
        #expect(list.takeNext { $0.hasPrefix("b") } == .none(end: 4))
        // The others are still there, in their order.
        #expect(take(&list) == .found(id: "a", next: 1))
        #expect(take(&list) == .found(id: "c", next: 3))
        #expect(take(&list) == .none(end: 4))
    }

    @Test func forgetsTheOldest() {
        var list = list(limit: 2, "a", "b", "c")
        #expect(list.next(from: 0) { _ in true } == .forgotten(earliest: 1))
        #expect(list.next(from: 1) { _ in true } == .found(id: "b", next: 2))
        // One that names no position gets what is left.
        #expect(take(&list) == .found(id: "b", next: 2))
    }
}
