@testable import LRP2PCore

/// A bottleneck with a drop-tail queue, and the flows that share it.
///
/// Drives controller, delivery rate estimator and pacer without anything else of the protocol:
/// packets are numbers, and losses are found by three later acknowledgements (RFC 9002 §6.1.1)
/// or, if none come, by a timeout. Deterministic: time is virtual, and losses come from a seed.
struct PathSimulation {
    struct Configuration {
        /// Bytes per second.
        var rate: Double
        /// Round trip without any queue.
        var roundTrip: Interval
        /// Bytes.
        var queueLimit: Int
        /// Probability.
        var loss = 0.0
        var datagramSize = 1400
        /// Packets that one acknowledgement covers, if they come within 5 ms.
        var acknowledgeEvery = 2
        var seed: UInt64 = 1
    }

    var configuration: Configuration
    private(set) var flows: [SimulatedFlow]
    private(set) var now = Instant(nanoseconds: 0)
    /// When the bottleneck has sent all that is queued.
    private var busyUntil = Instant(nanoseconds: 0)
    private var random: UInt64
    /// Bytes in the queue at most since `resetStatistics`, and seen by each packet in sum.
    private(set) var maximumQueue = 0.0
    private var queueSum = 0.0
    private var queueSamples = 0.0

    init(
        _ configuration: Configuration, algorithms: [CongestionControlAlgorithm],
        startingAt starts: [Instant] = []
    ) {
        self.configuration = configuration
        random = configuration.seed &* 0x9e37_79b9_7f4a_7c15 | 1
        flows = algorithms.enumerated().map { index, algorithm in
            SimulatedFlow(
                algorithm, datagramSize: configuration.datagramSize,
                roundTrip: configuration.roundTrip,
                start: index < starts.count ? starts[index] : Instant(nanoseconds: 0))
        }
    }

    /// Bytes in a queue of one bandwidth-delay product.
    static func product(rate: Double, roundTrip: Interval) -> Int {
        Int(rate * roundTrip.inSeconds)
    }

    var averageQueue: Double { queueSamples > 0 ? queueSum / queueSamples : 0 }

    mutating func resetStatistics() {
        (maximumQueue, queueSum, queueSamples) = (0, 0, 0)
        for index in flows.indices { flows[index].resetStatistics() }
    }

    /// Limits what the application of a flow has to send, in bytes per second.
    mutating func limitApplication(of index: Int, to rate: Double?) {
        flows[index].limitApplication(to: rate, now: now)
    }

    mutating func run(until end: Instant) {
        while true {
            var next = 0
            for index in flows.indices where flows[index].nextEvent < flows[next].nextEvent {
                next = index
            }
            guard flows[next].nextEvent < end else { break }
            now = flows[next].nextEvent
            flows[next].handleEvent(now: now, acknowledgeEvery: configuration.acknowledgeEvery)
            while let size = flows[next].packetToSend(now: now) {
                let arrival = transmit(size: size)
                flows[next].didSend(size: size, acknowledgedAt: arrival, now: now)
            }
        }
        now = end
    }

    /// - Returns: when its acknowledgement arrives; `nil` if it is lost.
    private mutating func transmit(size: Int) -> Instant? {
        let queue = max(0, (busyUntil - now).inSeconds) * configuration.rate
        maximumQueue = max(maximumQueue, queue)
        queueSum += queue
        queueSamples += 1
        guard queue + Double(size) <= Double(configuration.queueLimit + size) else { return nil }
        let time = Double(size) / configuration.rate
        busyUntil = max(busyUntil, now) + Interval(nanoseconds: Int64(time * 1e9))
        guard nextRandom() >= configuration.loss else { return nil }
        return busyUntil + configuration.roundTrip
    }

    private mutating func nextRandom() -> Double {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Double(random >> 11) / Double(1 << 53)
    }
}

/// Jain's index: 1 if all are equal, 1/n if one has everything.
func fairness(_ values: [Double]) -> Double {
    let sum = values.reduce(0, +)
    let squares = values.reduce(0) { $0 + $1 * $1 }
    return sum * sum / (Double(values.count) * squares)
}
