import LRP2PCore

// The named families that aim at the extended protocol. Each also runs with extensions off, where
// the base protocol has to end in order, if it cannot deliver.
extension Scenario {
    /// How long the first connection needs at least, from its rate and its bytes; at most 5 s, so
    /// that a time within it is one in the middle of the transfer.
    private var transferTime: Interval {
        let bytes = Double(connections[0].initiatorWrites.total)
        let rate = Double(links[0].conditions.bytesPerSecond ?? 10_000_000)
        let handshake = links[0].conditions.delay * 4
        return handshake + Interval(nanoseconds: Int64(min(5, bytes / rate) * 1e9))
    }

    private func moment(_ random: inout SeededRandom) -> Interval {
        Interval(nanoseconds: Int64(random.unit() * Double(transferTime.nanoseconds)))
    }

    mutating func fillAddressChange(_ random: inout SeededRandom) {
        connections[0].responderWrites = connections[0].initiatorWrites
        let moving = random.element(of: [[0], [1], [0, 1]])
        for host in hosts.indices {
            hosts[host].idleTimeout = .seconds(300)
            // Who only receives has to speak up at its new address by itself.
            hosts[host].keepAliveInterval = .seconds(5)
        }
        // Two that lose each other's address at the same time can never find each other again.
        let grace = moving.count == 2 || random.chance(0.3) ? Interval.seconds(30) : .zero
        for host in moving {
            // A responder that moves before it has heard of the handshake's end is out of reach.
            let earliest = host == 1 ? links[0].conditions.delay * 5 : .zero
            for _ in 0..<random.integer(in: 1...3) {
                disturbances.append(Disturbance(
                    at: earliest + moment(&random), host: host,
                    effect: .newAddress(isNewHost: random.chance(0.5), grace: grace)))
            }
        }
    }

    mutating func fillMTUBlackHole(_ random: inout SeededRandom) {
        let before = random.element(of: [nil, 1400, 1472, 9000])
        let begin = moment(&random)
        for link in links.indices where link == 0 || random.chance(0.5) {
            links[link].conditions.maximumDatagram = before
            links[link].conditions.mtuChanges = [MTUChange(at: begin, maximumDatagram: 1300)]
            if random.chance(0.3) {
                links[link].conditions.mtuChanges.append(
                    MTUChange(at: begin + .seconds(20), maximumDatagram: before))
            }
        }
        for host in hosts.indices { hosts[host].idleTimeout = .seconds(300) }
    }

    mutating func fillMTUSearch(_ random: inout SeededRandom) {
        let limit = random.element(of: [1400, 9000, HistoryContext.maximumDatagram])
        for link in links.indices {
            links[link].conditions.maximumDatagram = limit
            links[link].conditions.queueBytes = 4 * HistoryContext.maximumDatagram
            links[link].conditions.loss = .independent(random.element(of: [0, 0, 0.02]))
        }
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 500_000)))
    }

    mutating func fillRekey(_ random: inout SeededRandom) {
        for host in hosts.indices {
            // As many packets as there are to be.
            hosts[host].maximumDatagram = 1400
            hosts[host].rekeyAfterPackets = UInt64(random.integer(in: 50...200))
            if random.chance(0.3) {
                hosts[host].rekeyAfter = .milliseconds(Int64(random.magnitude(in: 100...5000)))
            }
        }
        for link in links.indices {
            links[link].conditions.loss = .independent(random.unit() * 0.1)
            links[link].conditions.jitter = links[link].conditions.delay
        }
        let total = UInt64(max(maximumBytes, 300_000))
        connections[0].initiatorWrites = .bulk(total)
        connections[0].responderWrites = .bulk(total)
    }

    /// A third host shows that the one that stays behind is none the worse for it.
    mutating func fillHalfOpen(_ random: inout SeededRandom) {
        hosts.append(hosts[0])
        let path = links[0].conditions
        for host in hosts.indices { hosts[host].idleTimeout = .seconds(30) }
        connections[0].halfOpen = random.element(of: HalfOpenPeer.allCases)
        let survivor = connections[0].halfOpen == .responderAfterMessage2 ? 0 : 1
        for (source, destination) in [(2, survivor), (survivor, 2)] {
            links.append(LinkPlan(source: source, destination: destination, conditions: path))
        }
        var later = connections[0]
        later.halfOpen = nil
        later.initiator = survivor
        later.responder = 2
        later.startsAt = .milliseconds(Int64(random.integer(in: 0...2000)))
        connections.append(later)
    }

    mutating func fillRestart(_ random: inout SeededRandom) {
        let host = random.integer(in: 0...1)
        let time = moment(&random)
        disturbances = [Disturbance(at: time, host: host, effect: .restart)]
        connections[0].responderWrites = connections[0].initiatorWrites
        for host in hosts.indices {
            hosts[host].idleTimeout = .seconds(60)
            hosts[host].keepAliveInterval = .seconds(5)
        }
        var later = connections[0]
        later.startsAt = time + .milliseconds(Int64(random.integer(in: 1...3000)))
        if random.chance(0.5) { swap(&later.initiator, &later.responder) }
        connections.append(later)
    }

    mutating func fillDeepReordering(_ random: inout SeededRandom) {
        let rate = 10_000_000
        for link in links.indices {
            links[link].conditions.delay = .milliseconds(20)
            links[link].conditions.setRate(rate, queue: .milliseconds(300))
            links[link].conditions.reordering = 0.001 + random.unit() * 0.02
            // So long do a thousand datagrams take that pass it.
            links[link].conditions.reorderingDelay = .microseconds(1000 * 1400 / 10)
        }
        for host in hosts.indices {
            hosts[host].sendBufferBytes = 4 << 20
            hosts[host].receiveBufferBytes = 4 << 20
        }
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 2_000_000)))
        connections[0].responderWrites = .bulk(10_000)
    }

    mutating func fillAckLoss(_ random: inout SeededRandom) {
        // Bulk goes one way, so that the short datagrams of the other are acknowledgements.
        connections[0].responderWrites = .bulk(0)
        links[1].conditions.targetedFaults = [
            TargetedFault(lengths: 0...200, count: .max, effect: .drop, share: 0.5),
        ]
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 200_000)))
    }

    mutating func fillClockJumps(_ random: inout SeededRandom) {
        for host in hosts.indices {
            hosts[host].idleTimeout = .seconds(random.chance(0.8) ? 3600 : 60)
            if random.chance(0.5) { hosts[host].keepAliveInterval = .seconds(15) }
            for _ in 0..<random.integer(in: 0...3) {
                let length = Interval.milliseconds(Int64(random.magnitude(in: 500...200_000)))
                disturbances.append(Disturbance(
                    at: moment(&random), host: host, effect: .clockJump(length)))
            }
        }
        for link in links.indices {
            links[link].conditions.loss = .independent(random.element(of: [0, 0.03]))
        }
    }

    mutating func fillECN(_ random: inout SeededRandom) {
        let treatment = random.element(of: [
            ECNTreatment.marks(aboveBytes: 10_000), .marks(aboveBytes: 30_000), .clears,
            .marksAll,
        ])
        for link in links.indices {
            links[link].conditions.delay = .milliseconds(Int64(random.integer(in: 2...20)))
            links[link].conditions.setRate(2_500_000, queue: .milliseconds(100))
            links[link].conditions.ecn = treatment
        }
        connections[0].initiatorWrites = .bulk(UInt64(max(maximumBytes, 400_000)))
    }

    mutating func fillFinish(_ random: inout SeededRandom) {
        connections[0].initiatorWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
        connections[0].responderWrites = Self.writePlan(&random, maximumBytes: maximumBytes)
        connections[0].ending = .finish
        for host in hosts.indices {
            hosts[host].receiveBufferBytes = 4096 << random.integer(in: 0...6)
            hosts[host].idleTimeout = .seconds(1800)
        }
        let loss = random.element(of: [0, 0.02, 0.2])
        for link in links.indices {
            links[link].conditions.loss = .independent(loss)
            links[link].conditions.duplication = random.element(of: [0, 0.05])
        }
        if random.chance(0.4) {
            connections[0].responderReads.stalls = [.zero..<(.seconds(3))]
        }
    }

    mutating func fillClosing(_ random: inout SeededRandom) {
        connections[0].responderWrites = .bulk(UInt64(random.integer(in: 0...maximumBytes)))
        // From the first datagram until after the last one.
        let time = moment(&random) * Int64(random.element(of: [0, 1, 1, 1, 2]))
        connections[0].ending = random.element(of: [
            .midway(time), .responderMidway(time), .bothMidway(time),
        ])
        connections[0].finishes = random.chance(0.5)
        for host in hosts.indices { hosts[host].idleTimeout = .seconds(60) }
        for link in links.indices {
            links[link].conditions.loss = .independent(random.element(of: [0, 0, 0.05]))
        }
    }
}
