import LRP2PCore

// How the connections of a history end.
extension SimulatedHistory {
    /// When the plan itself wants to run, apart from what its hosts wait for.
    func endingTime(plan: Int) -> Instant? {
        let (initiator, responder) = sides(of: plan)
        guard let initiator else { return nil }
        let details = scenario.connections[plan]
        if let time = details.closesAt {
            let closing = details.closing(initiator, responder).filter { !$0.isClosed }
            return closing.isEmpty ? nil : max(network.start + time, initiator.startedAt)
        }
        guard case .hold(let time) = details.ending, !initiator.isClosed else { return nil }
        return deliveredAt[plan].map { $0 + time }
    }

    /// Ends what has to end now; true when every connection has ended, what it received is read,
    /// and the air is empty: old datagrams must not bring a connection back.
    func applyEndings() throws(InvariantViolation) -> Bool {
        for plan in scenario.connections.indices { try applyEnding(plan: plan) }
        return connectsLeft == 0 && network.datagramsInFlight == 0
            && hosts.allSatisfy { $0.connections.allSatisfy(\.isAtRest) }
    }

    private func applyEnding(plan: Int) throws(InvariantViolation) {
        let (initiator, responder) = sides(of: plan)
        guard let initiator, !(initiator.isClosed && responder?.isClosed != false)
            || deliveredAt[plan] == nil
        else { return }
        if deliveredAt[plan] == nil, isDelivered(plan: plan) { deliveredAt[plan] = network.now }
        let details = scenario.connections[plan]
        let isTime = endingTime(plan: plan).map { $0 <= network.now } ?? false
        let isDelivered = deliveredAt[plan] != nil
        let sides = [initiator, responder].compactMap(\.self)
        switch details.ending {
        case .silence:
            return
        case .midway, .responderMidway, .bothMidway:
            if isTime { try close(details.closing(initiator, responder)) }
        case .abandon:
            if isDelivered, let responder { try close([responder]) }
        case .finish where initiator.isExtended:
            return
        case .close, .finish:
            if isDelivered { try close(sides) }
        case .hold:
            if isTime { try close(sides) }
        }
    }

    private func close(_ sides: [SimulatedConnection]) throws(InvariantViolation) {
        for side in sides {
            let plan = scenario.connections[side.plan]
            try hosts[side.role == .initiator ? plan.initiator : plan.responder].close(side)
        }
    }
}

extension ConnectionPlan {
    /// The sides that close at `closesAt`. A responder that is not there yet closes once it is.
    func closing(
        _ initiator: SimulatedConnection, _ responder: SimulatedConnection?
    ) -> [SimulatedConnection] {
        switch ending {
        case .midway: [initiator]
        case .responderMidway: [responder].compactMap(\.self)
        case .bothMidway: [initiator, responder].compactMap(\.self)
        case .close, .abandon, .silence, .hold, .finish: []
        }
    }
}
