import LRP2PCore

extension Scenario {
    /// The history of a family and a seed.
    ///
    /// - Parameters:
    ///   - kind: the family.
    ///   - seed: decides everything that the others leave open.
    ///   - maximumBytes: bytes per direction of a connection at most, so that a debug build can
    ///     run thousands of histories. Part of what has to be given to replay one.
    ///   - extensions: which hosts have extensions on; `nil` to let the seed say so.
    public static func make(
        kind: HistoryKind = .random, seed: UInt64, maximumBytes: Int = 400_000,
        extensions: ExtensionMix? = nil
    ) -> Scenario {
        var random = SeededRandom(seed: seed, stream: "scenario " + kind.rawValue)
        var scenario = Scenario(kind: kind, seed: seed, maximumBytes: max(1, maximumBytes))
        scenario.clockStart = Instant(
            nanoseconds: random.element(of: [0, 1, 86_400_000_000_000 * 365]))
        // Streams of their own: what the hosts speak leaves the network as it was.
        var mixRandom = SeededRandom(seed: seed, stream: "extensions")
        let drawn = mixRandom.element(of: [
            ExtensionMix.both, .both, .both, .neither, .firstOnly, .secondOnly,
        ])
        let mix = extensions ?? drawn
        scenario.forcedExtensions = extensions
        if kind == .random {
            scenario.fillRandomly(&random)
        } else {
            scenario.fill(&random)
        }
        for host in scenario.hosts.indices {
            scenario.hosts[host].isExtended = mix.isExtended(host: host)
        }
        if kind == .random {
            var disturbances = SeededRandom(seed: seed, stream: "disturbances")
            scenario.disturbRandomly(&disturbances)
        }
        return scenario
    }

    private mutating func fillRandomly(_ random: inout SeededRandom) {
        let isPartitioned = random.chance(0.15)
        let sharedPartition = Self.partitions(&random)
        var forward = Self.conditions(&random)
        var backward = random.chance(0.5) ? forward : Self.conditions(&random)
        if isPartitioned {
            let direction = random.integer(in: 0...2)
            if direction != 1 { forward.partitions = sharedPartition }
            if direction != 0 { backward.partitions = sharedPartition }
        }
        setPath(forward: forward, backward: backward)
        wakeGranularity = random.element(of: [
            .zero, .zero, .zero, .milliseconds(1), .milliseconds(10),
        ])
        let sequence: UInt32 = random.chance(0.25) ? .max - UInt32(random.integer(in: 0...40)) : 0
        for host in hosts.indices {
            hosts[host] = Self.configuration(&random, isPartitioned: isPartitioned)
            hosts[host].initialSequenceNumber = sequence
        }
        var plan = ConnectionPlan()
        plan.initiatorWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
        plan.responderWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
        plan.initiatorReads = Self.readPlan(&random)
        plan.responderReads = Self.readPlan(&random)
        plan.ending = ending(&random)
        connections = [plan]
    }

    /// Silence can only be noticed by who has an idle timeout, and only be had without
    /// keepalives.
    private func ending(_ random: inout SeededRandom) -> Ending {
        let midway = Interval.milliseconds(Int64(random.integer(in: 0...5000)))
        let choice = random.integer(in: 0...9)
        guard hosts.allSatisfy({ $0.idleTimeout != nil }) else { return .close }
        switch choice {
        case 0, 1: return .abandon
        case 2: return hosts.allSatisfy { $0.keepAliveInterval == nil } ? .silence : .close
        case 3: return .midway(midway)
        default: return .close
        }
    }

    static func conditions(_ random: inout SeededRandom) -> LinkConditions {
        var link = LinkConditions()
        switch random.integer(in: 0...5) {
        case 0, 1: link.loss = .never
        case 2, 3: link.loss = .independent(random.unit() * 0.05)
        case 4: link.loss = .independent(random.unit() * 0.3)
        default:
            link.loss = .bursty(GilbertElliott(
                goodToBad: 0.001 + random.unit() * 0.05, badToGood: 0.15 + random.unit() * 0.5,
                lossWhenBad: 0.3 + random.unit() * 0.7))
        }
        link.delay = .microseconds(Int64(random.magnitude(in: 20...200_000)))
        if random.chance(0.5) {
            link.jitter = link.delay / Int64(random.integer(in: 1...10))
            link.jitterReorders = random.chance(0.5)
        }
        if random.chance(0.3) {
            link.reordering = random.unit() * 0.25
            link.reorderingDelay = .microseconds(Int64(random.magnitude(in: 100...50_000)))
        }
        if random.chance(0.3) {
            link.duplication = random.unit() * 0.1
            if random.chance(0.5) {
                link.duplicationDelay = .milliseconds(Int64(random.magnitude(in: 1...60_000)))
            }
        }
        if random.chance(0.25) { link.corruption = random.unit() * 0.05 }
        if random.chance(0.8) {
            link.bytesPerSecond = random.magnitude(in: 50_000...100_000_000)
            link.queueBytes = random.magnitude(in: 10...500) * 1400
        }
        return link
    }

    private static func partitions(_ random: inout SeededRandom) -> [Range<Interval>] {
        let start = Interval.milliseconds(Int64(random.magnitude(in: 1...10_000)))
        let length: Interval = switch random.integer(in: 0...3) {
        case 0: .milliseconds(Int64(random.integer(in: 50...2000)))
        case 1: .milliseconds(Int64(random.integer(in: 2000...15_000)))
        case 2: .seconds(Int64(random.integer(in: 15...150)))
        default: .seconds(1_000_000_000)
        }
        return [start..<(start + length)]
    }

    private static func configuration(
        _ random: inout SeededRandom, isPartitioned: Bool
    ) -> EndpointConfiguration {
        var configuration = EndpointConfiguration()
        configuration.receiveBufferBytes = random.magnitude(in: 4096...1 << 20)
        configuration.sendBufferBytes = random.magnitude(in: 4096...1 << 20)
        if random.chance(0.3) {
            configuration.keepAliveInterval = .seconds(Int64(random.integer(in: 5...20)))
        }
        if isPartitioned {
            configuration.idleTimeout = .seconds(Int64(random.integer(in: 20...120)))
            configuration.handshakeTimeout = .seconds(Int64(random.integer(in: 5...30)))
        } else {
            // At 30 % loss each way half of all round trips fail: a timeout that ends a
            // connection must leave room for many tries, or chance alone would explain it.
            configuration.idleTimeout = random.chance(0.7) ? .seconds(1800) : nil
            configuration.handshakeTimeout = .seconds(600)
        }
        return configuration
    }

    static func writePlan(_ random: inout SeededRandom, maximumBytes: Int) -> WritePlan {
        let total = UInt64(random.magnitude(in: 1...maximumBytes))
        switch random.integer(in: 0...6) {
        case 0:
            return .bulk(0)
        case 1:
            return WritePlan(
                total: min(total, 2000), piece: 1...64,
                pause: 0...random.integer(in: 1...20_000_000))
        case 2:
            return WritePlan(
                total: total, piece: 1000...30_000, pause: 50_000_000...500_000_000)
        case 3:
            // A pause longer than most round trips: the window is idle again before each piece.
            return WritePlan(
                total: min(total, 20_000), piece: 100...5000, pause: 500_000_000...3_000_000_000)
        default:
            return .bulk(total)
        }
    }

    private static func readPlan(_ random: inout SeededRandom) -> ReadPlan {
        var plan = switch random.integer(in: 0...3) {
        case 0: ReadPlan(piece: 200...3000, pause: 100_000...10_000_000)
        case 1: ReadPlan(piece: 1...20_000, pause: 0...50_000_000)
        default: ReadPlan.eager
        }
        if random.chance(0.3) {
            for _ in 0..<random.integer(in: 1...3) {
                let start = Interval.milliseconds(Int64(random.integer(in: 0...5000)))
                let length = Interval.milliseconds(Int64(random.integer(in: 100...6000)))
                plan.stalls.append(start..<(start + length))
            }
        }
        return plan
    }
}
