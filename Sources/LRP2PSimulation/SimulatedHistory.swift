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

    /// Per side: handshake messages, their repetitions, and the last probes.
    static let handshakeDatagrams = 40.0
    /// A segment and its acknowledgement are two; at 30 % loss, each of them more than once.
    static let datagramsPerSegment = 5.0
    /// Probes and keepalives of a connection that is stuck.
    static let idleDatagramsPerSecond = 0.6

    let context: HistoryContext
    let hosts: [SimulatedHost]
    private var pending: EventQueue<Int>
    var steps = 0
    /// When each plan was delivered, in the order of the scenario.
    var deliveredAt: [Instant?]
    var lastProgress: Instant
    var progress: UInt64 = 0
    var secondStart: Instant
    var datagramsAtSecondStart = 0

    private init(scenario: Scenario, trace: Trace) {
        let context = HistoryContext(scenario: scenario, trace: trace)
        self.context = context
        hosts = scenario.hosts.enumerated().map {
            SimulatedHost(index: $0.offset, configuration: $0.element, history: context)
        }
        for link in scenario.links {
            context.network.addLink(
                from: SimulatedHost.address(of: link.source),
                to: SimulatedHost.address(of: link.destination), conditions: link.conditions)
        }
        pending = EventQueue()
        for (index, plan) in scenario.connections.enumerated() {
            pending.insert(index, at: context.network.start + plan.startsAt)
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
        while try !applyEndings() {
            guard let next = nextTime() else {
                throw InvariantViolation("hung: nothing is scheduled and nothing is in the air")
            }
            network.advance(to: next)
            steps += 1
            while let index = pending.popFirst(upTo: network.now) {
                let plan = scenario.connections[index]
                try hosts[plan.initiator].connect(plan: index, to: hosts[plan.responder].address)
            }
            while let datagram = network.receive() {
                guard let host = hosts.first(where: { $0.address == datagram.destination })
                else { continue }
                try host.receive(datagram)
                // A host that looks at once answers each datagram; one that looks late, a batch.
                if scenario.wakeGranularity == .zero { try host.run() }
            }
            for host in hosts { try host.run() }
            try checkStep()
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
        let details = scenario.connections[plan]
        guard let initiator = hosts[details.initiator].connections.first(where: {
            $0.plan == plan && $0.role == .initiator
        }) else { return (nil, nil) }
        return (initiator, hosts[details.responder].side(ofWireID: initiator.wireID))
    }

    /// Every byte was read by the application and is known to be at its sender.
    func isDelivered(plan: Int) -> Bool {
        let (initiator, responder) = sides(of: plan)
        guard let initiator, let responder else { return false }
        return [initiator, responder].allSatisfy {
            $0.writer.isFinished && $0.connection.sendRing.startPosition == $0.writer.plan.total
        } && initiator.reader.read == responder.writer.plan.total
            && responder.reader.read == initiator.writer.plan.total
    }

    /// When the plan itself wants to run, apart from what its hosts wait for.
    private func endingTime(plan: Int) -> Instant? {
        guard let initiator = sides(of: plan).initiator, !initiator.isClosed else { return nil }
        switch scenario.connections[plan].ending {
        case .midway(let time): return network.start + time
        case .hold(let time): return deliveredAt[plan].map { $0 + time }
        case .close, .abandon, .silence: return nil
        }
    }

    /// Ends what has to end now; true when every connection has ended and the air is empty: old
    /// datagrams must not bring a connection back.
    private func applyEndings() throws(InvariantViolation) -> Bool {
        for plan in scenario.connections.indices {
            let (initiator, responder) = sides(of: plan)
            guard let initiator, !(initiator.isClosed && responder?.isClosed != false)
            else { continue }
            if deliveredAt[plan] == nil, isDelivered(plan: plan) {
                deliveredAt[plan] = network.now
            }
            let details = scenario.connections[plan]
            let isTime = endingTime(plan: plan).map { $0 <= network.now } ?? false
            let isDelivered = deliveredAt[plan] != nil
            switch details.ending {
            case .silence:
                continue
            case .midway:
                if isTime { try hosts[details.initiator].close(initiator) }
            case .abandon:
                if isDelivered, let responder { try hosts[details.responder].close(responder) }
            case .close, .hold:
                guard details.ending == .close ? isDelivered : isTime else { continue }
                try hosts[details.initiator].close(initiator)
                if let responder { try hosts[details.responder].close(responder) }
            }
        }
        return pending.count == 0 && network.datagramsInFlight == 0
            && hosts.allSatisfy { $0.connections.allSatisfy(\.isClosed) }
    }
}
