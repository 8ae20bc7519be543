import LRP2PCore

// What the random family does to the extended protocol, on top of what both have to bear.
extension Scenario {
    mutating func disturbRandomly(_ random: inout SeededRandom) {
        let isExtended = isExtended(plan: 0)
        let canNotice = hosts.allSatisfy { $0.idleTimeout != nil }
        if random.chance(0.3) {
            for host in hosts.indices {
                hosts[host].rekeyAfterPackets = UInt64(random.integer(in: 50...500))
            }
        }
        for host in hosts.indices where random.chance(0.3) {
            hosts[host].congestionControl = .bbr
        }
        for host in hosts.indices {
            hosts[host].maximumDatagram = random.element(of: [1400, 9000, 65_507, 65_507])
            hosts[host].usesECN = random.chance(0.8)
            hosts[host].acknowledgementThreshold = random.element(of: [1, 2, 2, 2, 10])
        }
        setPathMTU(&random, isExtended: isExtended)
        setECN(&random)
        if random.chance(0.15) { addClockJump(&random) }
        // An address change that the base protocol cannot follow is a silence to it.
        let isSilent = connections[0].ending == .silence
        if random.chance(0.2), !isSilent, isExtended || canNotice {
            addAddressChanges(&random, isResponderFree: canNotice)
        }
        if random.chance(0.05), canNotice {
            disturbances.append(Disturbance(
                at: Self.moment(&random), host: random.integer(in: 0...1), effect: .restart))
        }
        finishRandomly(&random)
    }

    private static func moment(_ random: inout SeededRandom) -> Interval {
        .milliseconds(Int64(random.magnitude(in: 1...5000)))
    }

    private mutating func setPathMTU(_ random: inout SeededRandom, isExtended: Bool) {
        let limit = random.element(of: [nil, nil, 1400, 1472, 9000])
        let shrinks = random.chance(0.15) && isExtended
        let time = Self.moment(&random)
        for link in links.indices {
            links[link].conditions.maximumDatagram = limit
            // A queue that holds less than one datagram is a path MTU, too.
            if shrinks {
                links[link].conditions.mtuChanges = [MTUChange(at: time, maximumDatagram: 1300)]
            }
        }
    }

    private mutating func setECN(_ random: inout SeededRandom) {
        let treatment: ECNTreatment = random.element(of: [
            .passes, .passes, .marks(aboveBytes: random.magnitude(in: 3000...100_000)), .clears,
            .marksAll,
        ])
        for link in links.indices { links[link].conditions.ecn = treatment }
    }

    private mutating func addClockJump(_ random: inout SeededRandom) {
        let length = Interval.milliseconds(Int64(random.magnitude(in: 100...100_000)))
        disturbances.append(Disturbance(
            at: Self.moment(&random), host: random.integer(in: 0...1),
            effect: .clockJump(length)))
    }

    /// One host moves; were both to move, they could lose each other for good. So could a
    /// responder that moves before the handshake is done: what it has not heard of it cannot call.
    private mutating func addAddressChanges(
        _ random: inout SeededRandom, isResponderFree: Bool
    ) {
        let host = random.integer(in: 0...(isResponderFree ? 1 : 0))
        for _ in 0..<random.integer(in: 1...3) {
            let grace = Interval.milliseconds(random.element(of: [0, 0, 50, 5000]))
            disturbances.append(Disturbance(
                at: Self.moment(&random), host: host,
                effect: .newAddress(isNewHost: random.chance(0.5), grace: grace)))
        }
        // Who only receives has to speak up at its new address by itself.
        hosts[host].keepAliveInterval = hosts[host].keepAliveInterval ?? .seconds(5)
    }

    private mutating func finishRandomly(_ random: inout SeededRandom) {
        let finishes = random.chance(0.4)
        let which = random.integer(in: 0...3)
        switch connections[0].ending {
        case .close:
            if finishes { connections[0].ending = .finish }
        case .midway(let time):
            connections[0].finishes = finishes
            if which == 1 { connections[0].ending = .responderMidway(time) }
            if which == 2 { connections[0].ending = .bothMidway(time) }
        case .abandon, .silence, .hold, .responderMidway, .bothMidway, .finish:
            break
        }
    }
}
