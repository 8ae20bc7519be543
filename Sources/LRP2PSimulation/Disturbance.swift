import LRP2PCore

/// Something that happens to a host in the course of a history.
public struct Disturbance: Sendable, Equatable {
    public enum Effect: Sendable, Equatable {
        /// Others see the host under a new port, and under a new IP address too if so asked, as
        /// when its NAT has forgotten it. For `grace`, the former address still reaches it.
        case newAddress(isNewHost: Bool, grace: Interval)
        /// The endpoint is lost with all its connections, and a new one starts with the same
        /// static key at the same address.
        case restart
        /// The host's clock goes forward at once by this much, as over a suspension.
        case clockJump(Interval)
        /// The host is gone for good.
        case disappearance
    }

    /// Since the start of the history.
    public var at: Interval
    /// By number.
    public var host: Int
    public var effect: Effect

    public init(at: Interval, host: Int, effect: Effect) {
        self.at = at
        self.host = host
        self.effect = effect
    }
}

/// A peer that disappears in the middle of a handshake, right after it has sent a message.
public enum HalfOpenPeer: Int, Sendable, Equatable, CaseIterable {
    case initiatorAfterMessage1 = 1
    case responderAfterMessage2
    case initiatorAfterMessage3
}

extension Scenario {
    /// The host loses its connections at some time from `start` on.
    func isInterrupted(host: Int, from start: Interval) -> Bool {
        disturbances.contains {
            $0.host == host && $0.at >= start
                && ($0.effect == .restart || $0.effect == .disappearance)
        }
    }

    /// How far the clock of a host goes forward in all.
    func clockJumps(ofHost host: Int) -> Interval {
        disturbances.reduce(.zero) {
            guard $1.host == host, case .clockJump(let interval) = $1.effect else { return $0 }
            return $0 + interval
        }
    }

    /// Whether both hosts of a connection use the extended protocol.
    func isExtended(plan index: Int) -> Bool {
        let plan = connections[index]
        return hosts[plan.initiator].isExtended && hosts[plan.responder].isExtended
    }
}
