import LRP2PCore
import Testing

@testable import LRP2PSimulation

@Suite struct BulkMeasurementTests {
    private func measure(_ measurement: BulkMeasurement) -> BulkResult? {
        do {
            return try measurement.run()
        } catch {
            Issue.record("\(error.description)")
            return nil
        }
    }

    private var path: LinkConditions {
        var path = LinkConditions()
        path.delay = .milliseconds(10)
        path.maximumDatagram = 1472
        path.setRate(1_250_000, queue: .milliseconds(40))
        return path
    }

    @Test func jainsIndexTellsEqualFromUnequal() {
        #expect(BulkResult.jainIndex([5, 5, 5, 5]) == 1)
        #expect(BulkResult.jainIndex([8, 0, 0, 0]) == 0.25)
        #expect(BulkResult.jainIndex([]) == 1)
    }

    @Test func oneFlowFillsItsLinkAndTheFiguresAgree() {
        var measurement = BulkMeasurement(path: path)
        measurement.duration = .seconds(10)
        measurement.warmUp = .milliseconds(2500)
        guard let result = measure(measurement) else { return }
        #expect((0.8...1.001).contains(result.utilisation))
        // Headers and tags are part of what the link carries, and nothing else is.
        #expect((0.9...1).contains(result.goodput / (result.utilisation * 1_250_000)))
        #expect(result.jainIndex == 1)
        #expect(result.longestQueueDelay <= .milliseconds(41))
        #expect(result.meanQueueDelay <= result.longestQueueDelay)
        #expect((0...0.05).contains(result.flows[0].retransmittedShare))
        #expect(result.flows[0].minimumRTT.map { $0 >= .milliseconds(20) } == true)
        #expect(result.series.map(\.at) == (1...10).map { .seconds($0) })
        // The series covers the same bytes: the seconds after the warm-up carry its goodput.
        let late = result.series.dropFirst(3).map { $0.goodputs[0] }
        #expect(abs(late.reduce(0, +) / 7 - result.goodput) < 0.1 * result.goodput)
    }

    @Test func flowsShareOneLink() {
        let flows = [BulkMeasurement.Flow(), BulkMeasurement.Flow(startsAt: .seconds(3))]
        var measurement = BulkMeasurement(path: path, flows: flows)
        measurement.duration = .seconds(20)
        measurement.warmUp = .seconds(8)
        guard let result = measure(measurement) else { return }
        #expect(result.utilisation > 0.8 && result.utilisation < 1.001)
        #expect(result.jainIndex > 0.7)
        #expect(result.series[1].goodputs[1] == 0 && result.series[1].goodputs[0] > 0)
    }

    @Test func equalMeasurementsGiveEqualResults() {
        var measurement = BulkMeasurement(path: path)
        measurement.path.loss = .independent(0.01)
        measurement.duration = .seconds(2)
        measurement.warmUp = .zero
        let (first, again) = (measure(measurement), measure(measurement))
        #expect(first?.goodput == again?.goodput && first?.goodput != nil)
        measurement.seed = 2
        #expect(measure(measurement)?.goodput != first?.goodput)
    }

    @Test func capacityFollowsTheRate() {
        var measurement = BulkMeasurement(path: path)
        measurement.path.rateChanges = [
            RateChange(at: .seconds(4), bytesPerSecond: 300_000),
        ]
        measurement.duration = .seconds(10)
        measurement.warmUp = .seconds(5)
        guard let result = measure(measurement) else { return }
        #expect((0.7...1.01).contains(result.utilisation))
        // What waited at the end of the warm-up comes on top.
        #expect(result.goodput < 1.05 * 300_000)
    }
}
