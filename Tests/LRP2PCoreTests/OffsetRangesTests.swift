import Testing

@testable import LRP2PCore

struct OffsetRangesTests {
    private func list(_ ranges: OffsetRanges) -> [Range<UInt64>] {
        (0..<ranges.count).map { ranges[$0] }
    }

    private func ranges(_ list: Range<UInt64>...) -> OffsetRanges {
        var result = OffsetRanges()
        for range in list { result.insert(range) }
        return result
    }

    @Test func emptyHasNothing() {
        let empty = OffsetRanges()
        #expect(empty.isEmpty && empty.count == 0 && empty.coveredBytes == 0)
        #expect(empty.first == nil && empty.last == nil)
        #expect(!empty.contains(0) && empty.contains(5..<5) && !empty.contains(5..<6))
    }

    @Test func neighboursBecomeOne() {
        var set = ranges(10..<20, 30..<40)
        let between = set.insert(20..<30)
        #expect(between == 10)
        #expect(list(set) == [10..<40])
        let before = set.insert(5..<10)
        let around = set.insert(0..<50)
        let again = set.insert(7..<9)
        #expect(before == 5 && around == 15 && again == 0)
        #expect(list(set) == [0..<50] && set.coveredBytes == 50)
    }

    @Test func aHoleMakesTwo() {
        var set = ranges(0..<10, 20..<30)
        let inside = set.remove(22..<24)
        #expect(inside == 2)
        #expect(list(set) == [0..<10, 20..<22, 24..<30])
        let across = set.remove(5..<26)
        #expect(across == 9)
        #expect(list(set) == [0..<5, 26..<30])
        let nothing = set.remove(5..<26)
        #expect(nothing == 0 && set.coveredBytes == 9)
    }

    @Test func findsWhereToGoOn() {
        let set = ranges(10..<20, 30..<40)
        #expect(set.index(atOrAfter: 0) == 0 && set.index(atOrAfter: 19) == 0)
        #expect(set.index(atOrAfter: 20) == 1 && set.index(atOrAfter: 40) == 2)
        #expect(set.contains(12..<20) && !set.contains(12..<21) && !set.contains(20..<31))
    }

    /// Every operation against a set of single offsets, over a region small enough to collide.
    @Test(arguments: 0..<40)
    func behavesLikeASet(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var set = OffsetRanges()
        var model = Set<UInt64>()
        let span = seed % 2 == 0 ? 60 : 600
        for _ in 0..<1500 {
            let lower = UInt64(random.below(span))
            let range = lower..<lower + UInt64(random.below(12))
            switch random.below(10) {
            case 0..<6:
                let added = set.insert(range)
                #expect(added == range.count { model.insert($0).inserted })
            case 6..<9:
                let removed = set.remove(range)
                #expect(removed == range.count { model.remove($0) != nil })
            default:
                let below = random.below(4) == 0 ? lower : UInt64(random.below(20))
                let removed = set.removeFirst(upTo: below)
                #expect(removed == model.count { $0 < below })
                model = model.filter { $0 >= below }
            }
            #expect(set.coveredBytes == model.count)
            #expect(set.contains(lower) == model.contains(lower))
            #expect(set.contains(range) == range.allSatisfy(model.contains))
            #expect(set.first?.lowerBound == model.min())
            #expect(set.last?.upperBound == model.max().map { $0 + 1 })
        }
        #expect(list(set).flatMap { Array($0) } == model.sorted())
        let gaps = zip(list(set), list(set).dropFirst()).map { $1.lowerBound - $0.upperBound }
        #expect(gaps.allSatisfy { $0 > 0 }, "ranges that touch are one")
    }

    @Test func leavesInOrderWithManyRanges() {
        var set = OffsetRanges()
        for index in 0..<1000 as Range<UInt64> { set.insert(index * 3..<index * 3 + 1) }
        for index in 0..<1000 as Range<UInt64> {
            #expect(set.first == index * 3..<index * 3 + 1)
            let taken = set.removeFirst()
            #expect(taken == index * 3..<index * 3 + 1)
            #expect(set.count == 999 - Int(index))
            // What comes before the first has its place back.
            let added = set.insert(index * 3..<index * 3 + 1)
            let removed = set.removeFirst(upTo: index * 3 + 1)
            #expect(added == 1 && removed == 1)
        }
        let none = set.removeFirst()
        #expect(set.isEmpty && none == nil)
    }

    @Test func theHighestOffsets() {
        var set = ranges((.max - 5)..<UInt64.max)
        #expect(set.contains(.max - 1) && !set.contains(.max))
        let removed = set.remove(0..<UInt64.max)
        #expect(removed == 5 && set.isEmpty)
    }

    @Test func emptyAgainAfterRemovingAll() {
        var set = ranges(0..<5, 9..<12)
        set.removeAll()
        #expect(set.isEmpty && set.coveredBytes == 0)
        let added = set.insert(3..<4)
        #expect(added == 1 && list(set) == [3..<4])
    }
}
