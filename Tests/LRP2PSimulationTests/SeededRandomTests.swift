import Testing

@testable import LRP2PSimulation

@Suite struct SeededRandomTests {
    @Test func matchesThePublishedOutputOfXoshiro() {
        var random = SeededRandom(state: (1, 2, 3, 4))
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
            607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
        ]
        #expect(expected.indices.map { _ in random.next() } == expected)
    }

    @Test func matchesThePublishedOutputOfSplitMix() {
        var random = SplitMix64(state: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        ]
        #expect(expected.indices.map { _ in random.next() } == expected)
    }

    @Test func streamsOfOneSeedDiffer() {
        var first = SeededRandom(seed: 7, stream: "loss")
        var again = SeededRandom(seed: 7, stream: "loss")
        var second = SeededRandom(seed: 7, stream: "delay")
        let values = (0..<8).map { _ in first.next() }
        #expect(values == (0..<8).map { _ in again.next() })
        #expect(values != (0..<8).map { _ in second.next() })
    }

    @Test func valuesStayInTheirRangesAndReachTheEnds() {
        var random = SeededRandom(seed: 1)
        var seen = Set<Int>()
        for _ in 0..<1000 {
            seen.insert(random.integer(in: -2...2))
            #expect((0..<1).contains(random.unit()))
            #expect((10...500).contains(random.magnitude(in: 10...500)))
        }
        #expect(seen == [-2, -1, 0, 1, 2])
        #expect(random.magnitude(in: 1...1) == 1)
    }

    @Test func magnitudesSpreadEvenlyOverPowersOfTwo() {
        var random = SeededRandom(seed: 2)
        let low = (0..<10_000).count { _ in random.magnitude(in: 1...1023) < 32 }
        #expect((4500...5500).contains(low))
    }

    @Test func chanceHasItsProbability() {
        var random = SeededRandom(seed: 3)
        let hits = (0..<100_000).count { _ in random.chance(0.3) }
        #expect((29_000...31_000).contains(hits))
        #expect(!(0..<1000).contains { _ in random.chance(0) })
        #expect((0..<1000).allSatisfy { _ in random.chance(1) })
    }

    @Test(arguments: 0...17)
    func fillsBuffersOfAnyLength(count: Int) {
        var random = SeededRandom(seed: 4)
        var bytes = [UInt8](repeating: 0, count: count + 1)
        bytes.withUnsafeMutableBytes {
            random.fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<count]))
        }
        var whole = SeededRandom(seed: 4)
        let words = (0..<3).flatMap { _ in
            withUnsafeBytes(of: whole.next().littleEndian) { Array($0) }
        }
        #expect(Array(bytes[..<count]) == Array(words[..<count]))
        #expect(bytes[count] == 0)
    }
}
