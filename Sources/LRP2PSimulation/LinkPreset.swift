import LRP2PCore

/// Paths with names, by which goodput is compared.
public enum LinkPreset: String, CaseIterable, Sendable {
    /// One switch: 1 Gbit/s, 0.1 ms.
    case lan
    /// A continent: 100 Mbit/s, 40 ms each way, a queue of one bandwidth-delay product.
    case wan
    /// As `wan`, and 1 % of random loss, which is not congestion.
    case lossyWAN = "lossy-wan"
    /// 5 % loss, 2 % duplication, 20 ms ± 10 ms so that half of all datagrams overtake another.
    case rough
    /// 20 Mbit/s, 30 ms ± 15 ms in order, a queue of 2 s.
    case mobile
    /// 50 Mbit/s, 300 ms each way, bursts of loss.
    case satellite

    /// The conditions in each direction.
    public var conditions: LinkConditions {
        var link = LinkConditions()
        // Ethernet's 1500, less the headers of IPv4 and UDP.
        link.maximumDatagram = 1472
        switch self {
        case .lan:
            link.delay = .microseconds(100)
            link.setRate(125_000_000, queue: .milliseconds(2))
        case .wan, .lossyWAN:
            link.delay = .milliseconds(40)
            link.setRate(12_500_000, queue: .milliseconds(80))
            if self == .lossyWAN { link.loss = .independent(0.01) }
        case .rough:
            link.delay = .milliseconds(20)
            link.jitter = .milliseconds(10)
            link.loss = .independent(0.05)
            link.duplication = 0.02
            link.setRate(12_500_000, queue: .milliseconds(100))
        case .mobile:
            link.delay = .milliseconds(30)
            link.jitter = .milliseconds(15)
            link.jitterReorders = false
            link.setRate(2_500_000, queue: .seconds(2))
        case .satellite:
            link.delay = .milliseconds(300)
            link.loss = .bursty(GilbertElliott(goodToBad: 0.0005, badToGood: 0.2))
            link.setRate(6_250_000, queue: .milliseconds(600))
        }
        return link
    }
}

extension LinkConditions {
    /// A rate, and a queue that holds as much as leaves in the given time.
    public mutating func setRate(_ bytesPerSecond: Int, queue: Interval) {
        self.bytesPerSecond = bytesPerSecond
        queueBytes = max(1400, Int(Double(bytesPerSecond) * queue.inSeconds))
    }
}

extension Scenario {
    /// Bulk data over one path, for measurements.
    public static func transfer(
        seed: UInt64, path: LinkConditions, bytes: UInt64, bothWays: Bool = false,
        configuration: EndpointConfiguration = EndpointConfiguration()
    ) -> Scenario {
        var scenario = Scenario(kind: .bulkBothWays, seed: seed, maximumBytes: Int(bytes))
        scenario.hosts = [configuration, configuration]
        scenario.setPath(forward: path, backward: path)
        var plan = ConnectionPlan()
        plan.initiatorWrites = .bulk(bytes)
        plan.responderWrites = .bulk(bothWays ? bytes : 0)
        scenario.connections = [plan]
        return scenario
    }
}
