import Testing

@testable import LRP2PCore

/// What the controllers make of whole paths: the figures that the protocol is judged by.
struct PathTests {
    private static let megabit = 125_000.0

    /// - Parameters:
    ///   - rate: Mbit/s.
    ///   - roundTrip: milliseconds.
    ///   - queue: in bandwidth-delay products.
    private func path(
        _ algorithms: [CongestionControlAlgorithm], rate: Double, roundTrip: Int64,
        queue: Double = 1, loss: Double = 0, datagramSize: Int = 1400, seed: UInt64 = 1,
        startingAt starts: [Instant] = []
    ) -> PathSimulation {
        let product = rate * Self.megabit * Double(roundTrip) / 1000
        return PathSimulation(
            PathSimulation.Configuration(
                rate: rate * Self.megabit, roundTrip: .milliseconds(roundTrip),
                queueLimit: Int(queue * product), loss: loss, datagramSize: datagramSize, seed: seed
            ), algorithms: algorithms, startingAt: starts)
    }

    /// Runs on for `seconds`.
    ///
    /// - Returns: for each flow, its share of what the bottleneck could carry meanwhile.
    @discardableResult
    private func run(_ path: inout PathSimulation, _ seconds: Int64) -> [Double] {
        path.resetStatistics()
        path.run(until: path.now + .seconds(seconds))
        let capacity = path.configuration.rate * Double(seconds)
        return path.flows.map { Double($0.delivered) / capacity }
    }

    private func lossRate(_ path: PathSimulation) -> Double {
        Double(path.flows[0].lost) / Double(path.flows[0].sent)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases)
    func aLossFreeLinkIsFilledFromTheStart(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 100, roundTrip: 50)
        let share = run(&path, 10)[0]
        #expect(share >= 0.95)
        // HyStart++ and Drain: slow start does not lose a window.
        #expect(lossRate(path) < 0.02)
        let later = run(&path, 10)[0]
        #expect(later >= 0.98)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases)
    func aShallowQueueIsEnough(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 100, roundTrip: 50, queue: 0.2)
        let share = run(&path, 20)[0]
        #expect(share >= 0.9)
        #expect(lossRate(path) < 0.02)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomLossDoesNotSlowBBRDown(seed: UInt64) {
        var path = path([.bbr], rate: 100, roundTrip: 100, loss: 0.01, seed: seed)
        let share = run(&path, 20)[0]
        #expect(share >= 0.9)
        #expect(lossRate(path) < 0.02)
    }

    @Test(arguments: [0.01, 0.05])
    func withLossBBRIsFasterThanCUBIC(loss: Double) {
        var bbr = path([.bbr], rate: 100, roundTrip: 100, loss: loss)
        var cubic = path([.cubic], rate: 100, roundTrip: 100, loss: loss)
        let share = run(&bbr, 20)[0]
        let other = run(&cubic, 20)[0]
        #expect(share >= 2 * other)
        #expect(other > 0)
    }

    @Test func BBRKeepsTheQueueSmall() {
        // Eight bandwidth-delay products of buffer, which CUBIC would fill.
        var path = path([.bbr], rate: 100, roundTrip: 50, queue: 8)
        run(&path, 5)
        let share = run(&path, 10)[0]
        let product = Double(
            PathSimulation.product(
                rate: path.configuration.rate, roundTrip: path.configuration.roundTrip))
        #expect(share >= 0.97)
        #expect(path.averageQueue < 0.2 * product)
        #expect(lossRate(path) == 0)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases, [20, 50] as [Int64])
    func twoFlowsShareFairly(algorithm: CongestionControlAlgorithm, roundTrip: Int64) {
        var path = path(
            [algorithm, algorithm], rate: 50, roundTrip: roundTrip,
            startingAt: [.seconds(0), .seconds(2)])
        path.run(until: .seconds(30))
        let shares = run(&path, 30)
        #expect(fairness(shares) >= 0.9)
        #expect(shares[0] + shares[1] >= 0.95)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases)
    func aSatelliteLinkIsFilled(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 50, roundTrip: 600)
        run(&path, 20)
        let share = run(&path, 20)[0]
        #expect(share >= 0.9)
    }

    /// 750 MB in flight: in datagrams of 64 kB, to simulate it in reasonable time.
    @Test(arguments: CongestionControlAlgorithm.allCases)
    func tenGigabitsOverASatelliteAreFilled(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 10_000, roundTrip: 600, datagramSize: 64_000)
        run(&path, 15)
        let share = run(&path, 15)[0]
        #expect(share >= 0.9)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases)
    func theRateFollowsTheBottleneck(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 100, roundTrip: 50)
        run(&path, 5)
        path.configuration.rate = 20 * Self.megabit
        run(&path, 5)
        let reduced = run(&path, 5)[0]
        #expect(reduced >= 0.95)
        #expect(lossRate(path) < 0.05)
        path.configuration.rate = 100 * Self.megabit
        run(&path, 5)
        let restored = run(&path, 5)[0]
        #expect(restored >= 0.9)
    }

    @Test(arguments: CongestionControlAlgorithm.allCases)
    func anApplicationThatSendsLittleTeachesNothing(algorithm: CongestionControlAlgorithm) {
        var path = path([algorithm], rate: 100, roundTrip: 50)
        path.limitApplication(of: 0, to: 1e6)
        run(&path, 10)
        let window = path.flows[0].controller.congestionWindow
        run(&path, 10)
        #expect(path.flows[0].controller.congestionWindow <= window)
        #expect(window < 250_000)
        // Nor does it make forget what was learnt.
        path.limitApplication(of: 0, to: nil)
        run(&path, 10)
        path.limitApplication(of: 0, to: 1e6)
        run(&path, 20)
        path.limitApplication(of: 0, to: nil)
        let share = run(&path, 2)[0]
        #expect(share >= 0.9)
    }

    @Test func CUBICSurvivesBBR() {
        var path = path([.cubic, .bbr], rate: 50, roundTrip: 50, queue: 2)
        run(&path, 20)
        let shares = run(&path, 40)
        #expect(shares[0] >= 0.1)
        #expect(shares[1] >= 0.1)
        #expect(shares[0] + shares[1] >= 0.95)
    }
}
