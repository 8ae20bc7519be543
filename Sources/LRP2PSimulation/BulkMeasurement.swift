import LRP2PCore

/// Bulk transfers that share one link for some virtual time: what congestion control is judged by.
///
/// Each flow has two hosts of its own. Its data go through the shared link and then take the
/// flow's delay; acknowledgements take the delay alone. Equal values give equal results.
public struct BulkMeasurement: Sendable {
    public struct Flow: Sendable {
        public var congestionControl = CongestionControlAlgorithm.cubic
        /// Whether its hosts have extensions on.
        public var isExtended = true
        /// Since the start of the measurement.
        public var startsAt = Interval.zero
        /// One way, on top of the path's.
        public var extraDelay = Interval.zero

        public init(
            congestionControl: CongestionControlAlgorithm = .cubic, isExtended: Bool = true,
            startsAt: Interval = .zero, extraDelay: Interval = .zero
        ) {
            self.congestionControl = congestionControl
            self.isExtended = isExtended
            self.startsAt = startsAt
            self.extraDelay = extraDelay
        }
    }

    /// What all flows go through. Loss, rate, queue, marks and sizes are the shared link's; delay,
    /// jitter, reordering, duplication and damage happen to each flow by itself.
    public var path: LinkConditions
    public var flows: [Flow]
    /// Virtual time in all.
    public var duration = Interval.seconds(30)
    /// Results count from here on, so that they leave out how the flows start.
    public var warmUp = Interval.seconds(5)
    /// One entry in the series of the result for each of these, above zero.
    public var sampleInterval = Interval.seconds(1)
    /// Of each host, for sending and for receiving; at least two bandwidth-delay products.
    public var bufferBytes: Int
    public var seed: UInt64 = 1

    /// - Precondition: the path has a rate, and there is a flow.
    public init(path: LinkConditions, flows: [Flow] = [Flow()]) {
        precondition(path.bytesPerSecond != nil && !flows.isEmpty)
        self.path = path
        self.flows = flows
        let longest = flows.map(\.extraDelay).max() ?? .zero
        let roundTrip = (path.delay + path.jitter + longest).inSeconds * 2
        let rate = Double(path.bytesPerSecond ?? 0)
        bufferBytes = 1 << 20 + Int(2 * roundTrip * rate) + 2 * min(path.queueBytes, 1 << 24)
    }

    /// The conditions that the flows share.
    var sharedConditions: LinkConditions {
        var shared = path
        shared.delay = .zero
        shared.jitter = .zero
        shared.reordering = 0
        shared.duplication = 0
        shared.corruption = 0
        return shared
    }

    /// What happens to each flow alone.
    private func ownConditions(_ flow: Flow) -> LinkConditions {
        var own = LinkConditions()
        own.delay = path.delay + flow.extraDelay
        own.jitter = path.jitter
        own.jitterReorders = path.jitterReorders
        own.reordering = path.reordering
        own.reorderingDelay = path.reorderingDelay
        own.duplication = path.duplication
        own.duplicationDelay = path.duplicationDelay
        own.corruption = path.corruption
        return own
    }

    var scenario: Scenario {
        var scenario = Scenario(kind: .bulkBothWays, seed: seed, maximumBytes: .max)
        scenario.hosts = []
        scenario.bottlenecks = [sharedConditions]
        for (index, flow) in flows.enumerated() {
            var configuration = EndpointConfiguration()
            configuration.isExtended = flow.isExtended
            configuration.congestionControl = flow.congestionControl
            configuration.sendBufferBytes = bufferBytes
            configuration.receiveBufferBytes = bufferBytes
            scenario.hosts += [configuration, configuration]
            let (source, sink) = (2 * index, 2 * index + 1)
            let own = ownConditions(flow)
            var back = own
            back.maximumDatagram = path.maximumDatagram
            scenario.links += [
                LinkPlan(source: source, destination: sink, conditions: own, bottleneck: 0),
                LinkPlan(source: sink, destination: source, conditions: back),
            ]
            var plan = ConnectionPlan()
            plan.initiator = source
            plan.responder = sink
            plan.startsAt = flow.startsAt
            plan.initiatorWrites = .bulk(1 << 60)
            scenario.connections.append(plan)
        }
        return scenario
    }

    /// Runs the flows, with the promises of the protocol checked now and then.
    ///
    /// - Throws: the first broken promise that was noticed.
    public func run() throws(HistoryFailure) -> BulkResult {
        precondition(warmUp < duration && sampleInterval > .zero)
        let history = SimulatedHistory(scenario: scenario, trace: Trace())
        history.isMeasurement = true
        do {
            return try run(history)
        } catch {
            throw HistoryFailure(
                scenario: history.scenario, elapsed: history.network.elapsed,
                message: error.message, state: history.describeState())
        }
    }

    private func run(_ history: SimulatedHistory) throws(InvariantViolation) -> BulkResult {
        var result = BulkResult()
        var former = snapshot(history)
        var begin = former
        var time = Interval.zero
        var next = min(sampleInterval, duration)
        var isWarm = warmUp == .zero
        while time < duration {
            time = min(next, isWarm ? duration : warmUp)
            while try history.step(before: history.network.start + time) {}
            history.network.advance(to: history.network.start + time)
            let now = snapshot(history)
            if !isWarm, time >= warmUp {
                isWarm = true
                begin = now
                history.network.forgetLongestQueueingTime(ofBottleneck: 0)
            }
            guard time >= next else { continue }
            result.series.append(BulkResult.Sample(
                at: time, goodputs: now.goodputs(since: former),
                queueDelay: now.queueDelay(since: former)))
            next = min(next + sampleInterval, duration)
            former = now
        }
        result.fill(from: begin, to: snapshot(history), capacity: capacity)
        return result
    }

    private func snapshot(_ history: SimulatedHistory) -> BulkSnapshot {
        BulkSnapshot(
            elapsed: history.network.elapsed,
            received: flows.indices.map {
                history.sides(of: $0).responder?.connection.receiveRing.endPosition ?? 0
            },
            statistics: flows.indices.map {
                history.sides(of: $0).initiator?.connection.statistics ?? ConnectionStatistics()
            },
            bottleneck: history.network.counters(ofBottleneck: 0),
            departedBytes: history.network.departedBytes(ofBottleneck: 0))
    }

    /// Bytes that the shared link could carry after the warm-up.
    private var capacity: Double {
        let changes = path.rateChanges.map(\.at).filter { $0 > warmUp && $0 < duration }
        let edges = [warmUp] + changes + [duration]
        return zip(edges, edges.dropFirst()).reduce(0) { sum, edge in
            sum + (edge.1 - edge.0).inSeconds * Double(path.bytesPerSecond(at: edge.0) ?? 0)
        }
    }
}
