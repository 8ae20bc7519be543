import Testing

@testable import lrp2p_bench

@Suite struct FiguresTests {
    @Test func quantilesByNearestRank() {
        let figures = Figures((1...100).map(Double.init).shuffled())
        #expect(figures.median == 50)
        #expect(figures.quantile(0.99) == 99)
        #expect(figures.quantile(0) == 1)
        #expect(figures.quantile(1) == 100)
        #expect(Figures([3, 1, 2]).median == 2)
        #expect(Figures([]).median == 0)
    }

    @Test(arguments: [
        (1.25, 1, "1.3"), (0.0, 2, "0.00"), (12.345, 2, "12.35"), (1.05, 2, "1.05"),
        (-0.5, 1, "-0.5"), (99.99, 1, "100.0"), (7, 0, "7"),
    ])
    func fixedDecimals(value: Double, decimals: Int, text: String) {
        #expect(fixed(value, decimals) == text)
    }

    @Test(arguments: [
        (0.0, 4, "0"), (1234.5, 4, "1235"), (503.64, 4, "503.6"), (0.049512, 3, "0.0495"),
        (12_345_678, 4, "12345678"), (1e-12, 4, "0"), (-2.5, 2, "-2.5"), (1.0, 4, "1"),
        (100, 2, "100"),
    ])
    func significantDigits(value: Double, digits: Int, text: String) {
        #expect(significant(value, digits) == text)
    }

    @Test func jainsIndex() {
        #expect(jainIndex([5, 5, 5, 5]) == 1)
        #expect(jainIndex([8, 0, 0, 0]) == 0.25)
        #expect(jainIndex([3, 1]) == 0.8)
        #expect(jainIndex([0, 0]) == 0)
        #expect(jainIndex([]) == 0)
    }
}
