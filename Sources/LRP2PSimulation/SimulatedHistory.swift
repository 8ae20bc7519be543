import LRP2PCore

/// Runs one scenario from the first datagram to the end of its connections, and checks at every
/// step that the protocol keeps its promises.
public final class SimulatedHistory {
    /// Steps (instants at which something happens) of one history, at most.
    public static let maximumSteps = 5_000_000
    /// Datagrams per virtual second, at most: more than the fastest link of a scenario carries.
    static let maximumDatagramsPerSecond = 200_000
    /// Virtual time without any progress after which a history counts as hung. Longer than every
    /// timeout of a scenario.
    static let maximumStandstill = Interval.seconds(7200)

    static let stepsPerMeasuredCheck = 256

    /// Per side: handshake messages, their repetitions, and the last probes.
    static let handshakeDatagrams = 40.0
    /// Per side: a search for the path MTU probes each of some ten sizes up to three times, and
    /// probes are answered.
    static let searchDatagrams = 60.0
    /// A segment and its acknowledgement are two; at 30 % loss, each of them more than once.
    static let datagramsPerSegment = 5.0
    /// Probes and keepalives of a connection that is stuck.
    static let idleDatagramsPerSecond = 0.6

    let context: HistoryContext
    let hosts: [SimulatedHost]
    private var pending = EventQueue<Pending>()
    /// Connections that have not begun yet.
    private(set) var connectsLeft: Int
    var steps = 0
    /// A measurement trades promises checked at every step for speed.
    var isMeasurement = false
    /// When each plan was delivered, in the order of the scenario.
    var deliveredAt: [Instant?]
    var lastProgress: Instant
    var progress: UInt64 = 0
    var secondStart: Instant
    var datagramsAtSecondStart = 0

    private enum Pending {
        /// By plan.
        case connect(Int)
        case disturb(Disturbance)
    }

    init(scenario: Scenario, trace: Trace) {
        let context = HistoryContext(scenario: scenario, trace: trace)
        self.context = context
        hosts = scenario.hosts.enumerated().map {
            SimulatedHost(index: $0.offset, configuration: $0.element, history: context)
        }
        for bottleneck in scenario.bottlenecks {
            _ = context.network.addBottleneck(conditions: bottleneck)
        }
        for link in scenario.links {
            context.network.addLink(
                from: SimulatedHost.address(of: link.source),
                to: SimulatedHost.address(of: link.destination), conditions: link.conditions,
                bottleneck: link.bottleneck)
        }
        connectsLeft = scenario.connections.count
        for (index, plan) in scenario.connections.enumerated() {
            pending.insert(.connect(index), at: context.network.start + plan.startsAt)
        }
        for disturbance in scenario.disturbances {
            pending.insert(.disturb(disturbance), at: context.network.start + disturbance.at)
        }
        deliveredAt = Array(repeating: nil, count: scenario.connections.count)
        lastProgress = context.network.start
        secondStart = context.network.start
    }

    /// Runs a scenario to its end.
    ///
    /// - Throws: the first broken promise, with the command that shows it again.
    public static func run(
        _ scenario: Scenario, output: ((String) -> Void)? = nil
    ) throws(HistoryFailure) -> HistoryReport {
        let history = SimulatedHistory(scenario: scenario, trace: Trace(output: output))
        do {
            try history.run()
            try history.checkEnd()
            return history.report()
        } catch {
            throw HistoryFailure(
                scenario: scenario, elapsed: history.network.elapsed, message: error.message,
                state: history.describeState())
        }
    }

    var network: VirtualNetwork { context.network }
    var scenario: Scenario { context.scenario }

    private func run() throws(InvariantViolation) {
        while try !applyEndings() { try step(before: .distantFuture) }
    }

    /// Goes on to the next instant at which something happens; false when that is not before
    /// `end`.
    @discardableResult
    func step(before end: Instant) throws(InvariantViolation) -> Bool {
        guard let next = nextTime() else {
            throw InvariantViolation("hung: nothing is scheduled and nothing is in the air")
        }
        guard next < end else { return false }
        network.advance(to: next)
        steps += 1
        while let event = pending.popFirst(upTo: network.now) { try begin(event) }
        while let datagram = network.receive() {
            let index = SimulatedHost.index(of: datagram.destination)
            guard hosts.indices.contains(index) else { continue }
            try hosts[index].receive(datagram)
            // A host that looks at once answers each datagram; one that looks late, a batch.
            if scenario.wakeGranularity == .zero { try hosts[index].run() }
        }
        for host in hosts { try host.run() }
        if !isMeasurement || steps % Self.stepsPerMeasuredCheck == 0 { try checkStep() }
        return true
    }

    private func begin(_ event: Pending) throws(InvariantViolation) {
        switch event {
        case .connect(let index):
            connectsLeft -= 1
            let plan = scenario.connections[index]
            try hosts[plan.initiator].connect(
                plan: index, to: network.visibleAddress(of: hosts[plan.responder].address))
        case .disturb(let disturbance):
            try hosts[disturbance.host].disturb(disturbance.effect)
        }
    }

    private func nextTime() -> Instant? {
        let candidates = [network.nextArrival, pending.nextTime] + hosts.map(\.nextWake)
            + scenario.connections.enumerated().map { endingTime(plan: $0.offset) }
        guard let next = candidates.compactMap(\.self).min(), next < .distantFuture
        else { return nil }
        let granularity = scenario.wakeGranularity.nanoseconds
        guard granularity > 0 else { return next }
        let elapsed = max(0, (next - network.start).nanoseconds)
        return network.start
            + Interval(nanoseconds: (elapsed + granularity - 1) / granularity * granularity)
    }

    func sides(
        of plan: Int
    ) -> (initiator: SimulatedConnection?, responder: SimulatedConnection?) {
        context.sides[plan]
    }

    /// Every byte was read by the application, and its sender knows that; or the sender's peer has
    /// ended in the belief that it does, because its last acknowledgements were lost.
    func isDelivered(plan: Int) -> Bool {
        let (initiator, responder) = sides(of: plan)
        guard let initiator, let responder else { return false }
        return [(initiator, responder), (responder, initiator)].allSatisfy { side, peer in
            side.writer.isFinished
                && (side.connection.sendRing.startPosition == side.writer.plan.total
                    || peer.closeReason == .finished)
        } && initiator.reader.read == responder.writer.plan.total
            && responder.reader.read == initiator.writer.plan.total
    }
}
