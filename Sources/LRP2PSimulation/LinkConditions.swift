import LRP2PCore

/// How often a link loses a datagram.
public enum LossModel: Sendable, Equatable {
    case never
    /// Each datagram by itself, with this probability (0 ... 1).
    case independent(Double)
    case bursty(GilbertElliott)

    /// The share of datagrams lost in the long run, 0 ... 1.
    public var expectedRatio: Double {
        switch self {
        case .never: 0
        case .independent(let probability): probability
        case .bursty(let model): model.expectedRatio
        }
    }
}

/// The Gilbert–Elliott model: a link that is in a good or in a bad state, and changes between
/// them with every datagram. All values are probabilities per datagram.
public struct GilbertElliott: Sendable, Equatable {
    public var goodToBad: Double
    public var badToGood: Double
    public var lossWhenGood: Double
    public var lossWhenBad: Double

    public init(
        goodToBad: Double, badToGood: Double, lossWhenGood: Double = 0, lossWhenBad: Double = 1
    ) {
        self.goodToBad = goodToBad
        self.badToGood = badToGood
        self.lossWhenGood = lossWhenGood
        self.lossWhenBad = lossWhenBad
    }

    public var expectedRatio: Double {
        let changes = goodToBad + badToGood
        guard changes > 0 else { return lossWhenGood }
        return (goodToBad * lossWhenBad + badToGood * lossWhenGood) / changes
    }
}

/// Singles out particular datagrams: the first `count` whose length lies in `lengths`. The
/// lengths of base handshake messages are fixed (PROTOCOL.md §1), so this picks one message of a
/// handshake; datagrams that only acknowledge are short, so it also picks those.
public struct TargetedFault: Sendable, Equatable {
    public enum Effect: Sendable { case drop, damage }

    public var lengths: ClosedRange<Int>
    public var count: Int
    public var effect: Effect
    /// Probability that one of these datagrams is hit.
    public var share = 1.0

    public init(lengths: ClosedRange<Int>, count: Int, effect: Effect, share: Double = 1) {
        self.share = share
        self.lengths = lengths
        self.count = count
        self.effect = effect
    }
}

/// What one direction of a path does to datagrams. The default carries everything at once.
///
/// The order of effects is that of a real path: partition, queue and bandwidth at its entry, then
/// loss, duplication, corruption and delay on the way. Each copy of a duplicated datagram is
/// delayed and damaged by itself.
public struct LinkConditions: Sendable, Equatable {
    public var loss = LossModel.never
    public var targetedFaults: [TargetedFault] = []
    /// Propagation delay; the time on the wire at `bytesPerSecond` comes on top.
    public var delay = Interval.zero
    /// The delay varies uniformly by this much up and down, never below zero.
    public var jitter = Interval.zero
    /// Whether jitter lets a datagram overtake another. False models a queue that varies in
    /// length.
    public var jitterReorders = true
    /// Probability that a datagram is held back by `reorderingDelay` while others pass it.
    public var reordering = 0.0
    public var reorderingDelay = Interval.milliseconds(5)
    /// Probability of a second copy.
    public var duplication = 0.0
    /// The second copy comes this much later at most, uniformly, on top of a delay of its own.
    /// Long ones are what a replay looks like to its receiver.
    public var duplicationDelay = Interval.zero
    /// Probability, per copy, of flipped bits or a cut-off end.
    public var corruption = 0.0
    /// At least 1; `nil` for a link without a rate.
    public var bytesPerSecond: Int?
    /// Bytes that wait for the link at most; what comes on top is dropped. Counts only where
    /// there is a rate.
    public var queueBytes = Int.max
    /// Changes of the rate, in order of time; none where there is no rate.
    public var rateChanges: [RateChange] = []
    /// The longest datagram that passes, UDP payload bytes; longer ones vanish without a word, as
    /// where ICMP is filtered (RFC 8899 §1.1). `nil` for anything that UDP can carry.
    public var maximumDatagram: Int?
    /// Changes of that, in order of time.
    public var mtuChanges: [MTUChange] = []
    public var ecn = ECNTreatment.passes
    /// While the network's time since its start is inside one of these, nothing enters the link.
    /// What is on the way already arrives.
    public var partitions: [Range<Interval>] = []

    public init() {}

    public func isPartitioned(at elapsed: Interval) -> Bool {
        partitions.contains { $0.contains(elapsed) }
    }
}
