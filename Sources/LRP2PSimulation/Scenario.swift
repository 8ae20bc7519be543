import LRP2PCore

/// How a connection ends once everything is delivered and acknowledged.
public enum Ending: Sendable, Equatable {
    /// Both sides close.
    case close
    /// One side closes without a word, as the base protocol does; the other must notice by
    /// silence.
    case abandon
    /// Nobody does anything; both must end by idle timeout.
    case silence
    /// The connection must survive this long without data, then both sides close.
    case hold(Interval)
    /// The initiator closes at this time since the start, finished or not.
    case midway(Interval)
    /// The same, by the responder, or by both at the same time.
    case responderMidway(Interval)
    case bothMidway(Interval)
    /// Each side says that its stream ends after its last byte, and the connection ends by itself.
    /// As `close` where one side has no extensions.
    case finish
}

/// One connection of a history: who connects to whom, and what the four applications do.
public struct ConnectionPlan: Sendable {
    /// Hosts, by number.
    public var initiator = 0
    public var responder = 1
    /// Since the start of the history.
    public var startsAt = Interval.zero
    public var initiatorWrites = WritePlan.bulk(0)
    public var responderWrites = WritePlan.bulk(0)
    public var initiatorReads = ReadPlan.eager
    public var responderReads = ReadPlan.eager
    public var ending = Ending.close
    /// Each side ends its stream after its last byte, whatever the ending is.
    public var finishes = false
    /// Who leaves the handshake half done, if anyone.
    public var halfOpen: HalfOpenPeer?

    public init() {}

    /// When a side closes without regard to what is delivered.
    var closesAt: Interval? {
        switch ending {
        case .midway(let time), .responderMidway(let time), .bothMidway(let time): time
        case .close, .abandon, .silence, .hold, .finish: nil
        }
    }

    var total: UInt64 { initiatorWrites.total + responderWrites.total }
}

/// One directed link of a history.
public struct LinkPlan: Sendable {
    /// Hosts, by number.
    public var source: Int
    public var destination: Int
    public var conditions: LinkConditions
    /// Index into the scenario's bottlenecks of the shared link that comes first, if any.
    public var bottleneck: Int?

    public init(
        source: Int, destination: Int, conditions: LinkConditions, bottleneck: Int? = nil
    ) {
        self.source = source
        self.destination = destination
        self.conditions = conditions
        self.bottleneck = bottleneck
    }
}

/// Everything that decides a history. Equal scenarios run equally, to the nanosecond and the
/// byte.
public struct Scenario: Sendable {
    /// What produced it, to name it again.
    public var kind: HistoryKind
    public var seed: UInt64
    public var maximumBytes: Int
    /// Which hosts have extensions on, where it is not the seed that says so.
    public internal(set) var forcedExtensions: ExtensionMix?
    /// One per host.
    public var hosts: [EndpointConfiguration]
    public var links: [LinkPlan]
    /// Links that several pairs of hosts share; see `LinkPlan.bottleneck`.
    public var bottlenecks: [LinkConditions] = []
    /// In any order.
    public var disturbances: [Disturbance] = []
    public var connections: [ConnectionPlan]
    /// The virtual clock at the start. Not always zero, which a program may mistake for "never".
    public var clockStart = Instant(nanoseconds: 0)
    /// Hosts look at arrivals and timers only at multiples of this; zero for at once. A process
    /// that is not scheduled sees datagrams in batches and its timers late.
    public var wakeGranularity = Interval.zero

    /// What `lrp2p-bench simulate` needs to make this scenario, where family, seed and size are
    /// not all of it.
    public var replayArguments: String?

    public init(kind: HistoryKind, seed: UInt64, maximumBytes: Int) {
        self.kind = kind
        self.seed = seed
        self.maximumBytes = maximumBytes
        hosts = [EndpointConfiguration(), EndpointConfiguration()]
        links = []
        connections = []
    }

    /// Replaces the links between host 0 and host 1.
    public mutating func setPath(forward: LinkConditions, backward: LinkConditions) {
        links = [
            LinkPlan(source: 0, destination: 1, conditions: forward),
            LinkPlan(source: 1, destination: 0, conditions: backward),
        ]
    }

    /// The one command that runs this history again.
    public var replayCommand: String {
        let arguments = replayArguments
            ?? "--history \(kind.rawValue) --seed \(seed) --max-bytes \(maximumBytes)"
            + (forcedExtensions.map { " --extensions \($0.rawValue)" } ?? "")
        return "swift run lrp2p-bench simulate " + arguments
    }
}
