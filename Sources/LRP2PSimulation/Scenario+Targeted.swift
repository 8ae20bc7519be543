import LRP2PCore

extension Scenario {
    /// The named families: each aims at one mechanism, and leaves the rest to the seed.
    mutating func fill(_ random: inout SeededRandom) {
        let path = Self.calmPath(&random)
        setPath(forward: path, backward: path)
        var plan = ConnectionPlan()
        plan.initiatorWrites = .bulk(UInt64(maximumBytes))
        plan.responderWrites = .bulk(UInt64(maximumBytes / 4))
        connections = [plan]
        for host in hosts.indices { hosts[host].handshakeTimeout = .seconds(600) }
        switch kind {
        case .random: break
        case .zeroWindow: fillZeroWindow(&random, losesUpdate: false)
        case .lostWindowUpdate: fillZeroWindow(&random, losesUpdate: true)
        case .sequenceWrap: fillSequenceWrap(&random)
        case .oneWayPartition: fillOneWayPartition(&random)
        case .lossyHandshake: fillLossyHandshake()
        case .corruptedHandshake: fillHandshakeFaults(&random, messages: [40, 104, 72, 94], .damage)
        case .lostMessage3: fillHandshakeFaults(&random, messages: [72, 94], .drop)
        case .bulkBothWays: fillBulkBothWays(&random)
        case .manyConnections: fillManyConnections(&random)
        case .mesh: fillMesh(&random)
        case .keepAlive: fillKeepAlive(&random)
        case .addressChange: fillAddressChange(&random)
        case .mtuBlackHole: fillMTUBlackHole(&random)
        case .mtuSearch: fillMTUSearch(&random)
        case .rekey: fillRekey(&random)
        case .halfOpen: fillHalfOpen(&random)
        case .restart: fillRestart(&random)
        case .deepReordering: fillDeepReordering(&random)
        case .ackLoss: fillAckLoss(&random)
        case .clockJumps: fillClockJumps(&random)
        case .ecn: fillECN(&random)
        case .finish: fillFinish(&random)
        case .closing: fillClosing(&random)
        }
    }

    static func calmPath(_ random: inout SeededRandom) -> LinkConditions {
        var link = LinkConditions()
        link.delay = .microseconds(Int64(random.magnitude(in: 100...50_000)))
        link.jitter = link.delay / 10
        link.bytesPerSecond = random.magnitude(in: 500_000...20_000_000)
        link.queueBytes = random.integer(in: 30...300) * 1400
        return link
    }

    private mutating func fillZeroWindow(_ random: inout SeededRandom, losesUpdate: Bool) {
        // The buffer is smaller than what is written, so that the stalled reader closes the
        // window.
        hosts[1].receiveBufferBytes = 4096 << random.integer(in: 0...3)
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 100_000)))
        // Some time before the last byte can be there.
        let latest = Int(links[0].conditions.delay.nanoseconds) * 4 + 5_000_000
        let begin = Interval(nanoseconds: Int64(random.integer(in: 0...latest)))
        let end = begin + .milliseconds(Int64(random.integer(in: 1000...40_000)))
        connections[0].responderReads.stalls = [begin..<end]
        // Stopping and starting again in small steps opens the window by small amounts.
        if random.chance(0.5) {
            connections[0].responderReads.piece = 100...2000
            connections[0].responderReads.pause = 1_000_000...20_000_000
        }
        if losesUpdate {
            // From before the reader goes on until after it: every update of that time is lost.
            let length = Interval.milliseconds(Int64(random.integer(in: 100...3000)))
            links[1].conditions.partitions = [(end - .milliseconds(1))..<(end + length)]
        }
    }

    private mutating func fillSequenceWrap(_ random: inout SeededRandom) {
        let first = UInt32.max - UInt32(random.integer(in: 0...100))
        for host in hosts.indices { hosts[host].initialSequenceNumber = first }
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 250_000)))
        for link in links.indices {
            links[link].conditions.loss = .independent(random.unit() * 0.1)
            links[link].conditions.jitter = links[link].conditions.delay
            links[link].conditions.duplication = 0.05
        }
    }

    private mutating func fillOneWayPartition(_ random: inout SeededRandom) {
        let begin = Interval.milliseconds(Int64(random.integer(in: 0...300)))
        let isForEver = random.chance(0.3)
        let length = isForEver
            ? .seconds(1_000_000_000)
            : Interval.milliseconds(Int64(random.integer(in: 100...60_000)))
        links[random.integer(in: 0...1)].conditions.partitions = [begin..<(begin + length)]
        for host in hosts.indices {
            hosts[host].idleTimeout = .seconds(Int64(random.integer(in: 30...90)))
            hosts[host].handshakeTimeout = .seconds(10)
        }
    }

    private mutating func fillLossyHandshake() {
        for link in links.indices { links[link].conditions.loss = .independent(0.3) }
        connections[0].initiatorWrites = .bulk(UInt64(min(maximumBytes, 10_000)))
        connections[0].responderWrites = .bulk(UInt64(min(maximumBytes, 10_000)))
        for host in hosts.indices { hosts[host].idleTimeout = .seconds(1800) }
    }

    private mutating func fillHandshakeFaults(
        _ random: inout SeededRandom, messages: [Int], _ effect: TargetedFault.Effect
    ) {
        for length in messages {
            // Message 2 is the responder's.
            let link = length == 104 ? 1 : 0
            let count = random.integer(in: effect == .drop ? 1...6 : 0...3)
            links[link].conditions.targetedFaults.append(
                TargetedFault(lengths: length...length, count: count, effect: effect))
        }
        connections[0].initiatorWrites = .bulk(UInt64(min(maximumBytes, 20_000)))
        // Sometimes only the responder has something to say, and waits for message 3 to say it.
        if random.chance(0.3) { connections[0].initiatorWrites = .bulk(0) }
        connections[0].responderWrites = .bulk(5000)
    }

    private mutating func fillBulkBothWays(_ random: inout SeededRandom) {
        let total = UInt64(max(maximumBytes, 300_000))
        connections[0].initiatorWrites = .bulk(total)
        connections[0].responderWrites = .bulk(total)
        for link in links.indices {
            links[link].conditions.loss = .independent(random.unit() * 0.02)
        }
    }

    private mutating func fillManyConnections(_ random: inout SeededRandom) {
        let perConnection = max(2000, maximumBytes / 50)
        for host in hosts.indices {
            hosts[host].receiveBufferBytes = 32_768
            hosts[host].sendBufferBytes = 32_768
        }
        for link in links.indices {
            links[link].conditions.loss = .independent(0.01)
            links[link].conditions.jitter = links[link].conditions.delay / 2
        }
        connections = (0..<50).map { _ in
            var plan = ConnectionPlan()
            plan.startsAt = .milliseconds(Int64(random.integer(in: 0...500)))
            plan.initiatorWrites = Self.writePlan(&random, maximumBytes: perConnection)
            plan.responderWrites = Self.writePlan(&random, maximumBytes: perConnection)
            return plan
        }
    }

    private mutating func fillMesh(_ random: inout SeededRandom) {
        hosts = Array(repeating: hosts[0], count: 3)
        links = []
        connections = []
        for source in 0..<3 {
            for destination in 0..<3 where source != destination {
                var path = Self.calmPath(&random)
                path.loss = .independent(0.01)
                links.append(LinkPlan(source: source, destination: destination, conditions: path))
                var plan = ConnectionPlan()
                plan.initiator = source
                plan.responder = destination
                plan.initiatorWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
                plan.responderWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
                connections.append(plan)
            }
        }
    }

    private mutating func fillKeepAlive(_ random: inout SeededRandom) {
        for host in hosts.indices { hosts[host].idleTimeout = .seconds(30) }
        // One side's keepalives must be enough for the other only if they are answered; the base
        // protocol does not answer an empty segment, so both send them.
        for host in hosts.indices {
            hosts[host].keepAliveInterval = .seconds(Int64(random.integer(in: 5...10)))
        }
        connections[0].initiatorWrites = .bulk(UInt64(min(maximumBytes, 5000)))
        connections[0].ending = .hold(.seconds(300))
    }
}
