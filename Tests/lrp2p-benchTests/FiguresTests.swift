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

    @Test func theCipherYardstickMeasuresSomething() {
        let rate = CipherYardstick.bytesPerSecond(packetBytes: 1330, for: .milliseconds(1))
        #expect(rate > 0 && rate.isFinite)
    }
}
