import LRP2PCore

// What a history can be held to.
extension Scenario {
    /// The smallest path that the extended protocol must cope with: what every IPv6 path takes
    /// (RFC 8200 §5), less the headers of IPv6 and UDP, is 1232 bytes.
    static let smallestExtendedPath = 1232
    /// The longest base datagram, which the base protocol cannot shorten.
    static let smallestBasePath = 1400

    /// Nothing in this history explains a connection that ends unfinished: at most 30 % of the
    /// datagrams are lost, partitions and jumps of a clock, if any, are short against every
    /// timeout, and only the extended protocol has to follow addresses and path MTUs that change.
    public var mustDeliver: Bool {
        connections.indices.allSatisfy(mustDeliver)
    }

    func mustDeliver(plan index: Int) -> Bool {
        let plan = connections[index]
        guard plan.halfOpen == nil, plan.closesAt == nil,
            !isInterrupted(host: plan.initiator, from: plan.startsAt),
            !isInterrupted(host: plan.responder, from: plan.startsAt)
        else { return false }
        let ends = [hosts[plan.initiator], hosts[plan.responder]]
        let timeouts = ends.flatMap { [$0.idleTimeout ?? .seconds(1800), $0.handshakeTimeout] }
        guard [plan.initiator, plan.responder].allSatisfy({ host in
            timeouts.allSatisfy { clockJumps(ofHost: host) < $0 / 4 }
        }) else { return false }
        let isExtended = isExtended(plan: index)
        guard isExtended || !changesAddress(plan) else { return false }
        let path = links.filter {
            $0.source == plan.initiator && $0.destination == plan.responder
                || $0.source == plan.responder && $0.destination == plan.initiator
        }
        let smallestPath = isExtended ? Self.smallestExtendedPath : Self.smallestBasePath
        return path.allSatisfy { link in
            link.conditions.smallestMaximumDatagram >= smallestPath
                && Self.isBearable(link.conditions, timeouts: timeouts)
        }
    }

    private func changesAddress(_ plan: ConnectionPlan) -> Bool {
        disturbances.contains {
            guard case .newAddress = $0.effect else { return false }
            return $0.host == plan.initiator || $0.host == plan.responder
        }
    }

    private static func isBearable(_ link: LinkConditions, timeouts: [Interval]) -> Bool {
        let loss = link.loss.expectedRatio
        return loss <= 0.3 && link.partitions.allSatisfy { partition in
            // A probe timeout doubles while a partition lasts, so that the first probe after it
            // can be as late again as the partition was long, and be lost too.
            let length = partition.upperBound - partition.lowerBound
            return loss <= 0.05 && timeouts.allSatisfy { length < $0 / 60 }
        }
    }
}
