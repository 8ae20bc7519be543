import LRP2PCore

/// What became of a datagram given to the network.
public enum DatagramFate: Sendable, Equatable {
    /// On its way, in so many copies, so many of them damaged.
    case carried(copies: Int, damaged: Int)
    case dropped(LinkDrop)
}

/// Why the network dropped a datagram.
public enum LinkDrop: String, CaseIterable, Sendable {
    case lost
    case targeted
    case partitioned
    case queueFull = "queue_full"
    /// No link leads there, or the address was given up by its NAT.
    case unreachable
    /// `VirtualNetwork.maximumDatagramsInFlight` was reached.
    case inFlightLimit = "in_flight_limit"
}

/// What one link did so far. Datagrams, unless the name says bytes.
public struct LinkCounters: Sendable, Equatable {
    public var sent = 0
    public var sentBytes = 0
    public var delivered = 0
    public var deliveredBytes = 0
    public var duplicated = 0
    public var damaged = 0
    public var heldBack = 0
    public private(set) var drops = [Int](repeating: 0, count: LinkDrop.allCases.count)

    public init() {}

    public func dropped(_ cause: LinkDrop) -> Int {
        drops[Self.index(of: cause)]
    }

    public var droppedInAll: Int { drops.reduce(0, +) }

    mutating func countDrop(_ cause: LinkDrop) {
        drops[Self.index(of: cause)] += 1
    }

    private static func index(of cause: LinkDrop) -> Int {
        LinkDrop.allCases.firstIndex(of: cause) ?? 0
    }
}

/// One copy of a datagram on its way.
struct LinkArrival {
    let time: Instant
    let bytes: [UInt8]
    let isDamaged: Bool
    let isDuplicate: Bool
}

/// One direction of a path between two hosts.
struct Link {
    let conditions: LinkConditions
    private(set) var counters = LinkCounters()
    // One stream of random numbers per effect: more loss then leaves the jitter as it was.
    private var lossRandom: SeededRandom
    private var delayRandom: SeededRandom
    private var reorderingRandom: SeededRandom
    private var duplicationRandom: SeededRandom
    private var corruptionRandom: SeededRandom
    private var isInBadState = false
    private var targetedHits: [Int]
    private var busyUntil = Instant(nanoseconds: .min)
    private var lastArrival = Instant(nanoseconds: .min)

    init(conditions: LinkConditions, seed: UInt64, name: String) {
        self.conditions = conditions
        lossRandom = SeededRandom(seed: seed, stream: "loss " + name)
        delayRandom = SeededRandom(seed: seed, stream: "delay " + name)
        reorderingRandom = SeededRandom(seed: seed, stream: "reordering " + name)
        duplicationRandom = SeededRandom(seed: seed, stream: "duplication " + name)
        corruptionRandom = SeededRandom(seed: seed, stream: "corruption " + name)
        targetedHits = Array(repeating: 0, count: conditions.targetedFaults.count)
    }

    /// Decides what becomes of a datagram that enters the link now; `deliver` gets each copy.
    mutating func send(
        _ bytes: UnsafeRawBufferPointer, now: Instant, elapsed: Interval,
        deliver: (LinkArrival) -> Void
    ) -> DatagramFate {
        counters.sent += 1
        counters.sentBytes += bytes.count
        if conditions.isPartitioned(at: elapsed) { return drop(.partitioned) }
        guard let departure = enqueue(bytes.count, now: now) else { return drop(.queueFull) }
        let targeted = targetedEffect(bytes.count)
        if targeted == .drop { return drop(.targeted) }
        if isLost() { return drop(.lost) }
        var copies = 1
        if conditions.duplication > 0, duplicationRandom.chance(conditions.duplication) {
            copies = 2
            counters.duplicated += 1
        }
        var damaged = 0
        var times = [arrival(departure: departure)]
        if copies > 1 { times.append(arrival(departure: departure) + duplicationDelay()) }
        for (copy, time) in times.sorted().enumerated() {
            var content = Array(bytes)
            let isDamaged = !content.isEmpty && (targeted == .damage
                || conditions.corruption > 0 && corruptionRandom.chance(conditions.corruption))
            if isDamaged {
                damage(&content)
                damaged += 1
            }
            deliver(LinkArrival(
                time: time, bytes: content, isDamaged: isDamaged,
                isDuplicate: copy > 0))
        }
        counters.damaged += damaged
        return .carried(copies: copies, damaged: damaged)
    }

    mutating func countDelivery(bytes: Int) {
        counters.delivered += 1
        counters.deliveredBytes += bytes
    }

    mutating func drop(_ cause: LinkDrop) -> DatagramFate {
        counters.countDrop(cause)
        return .dropped(cause)
    }

    /// The moment the last byte has left the sender; `nil` when the queue is full.
    private mutating func enqueue(_ count: Int, now: Instant) -> Instant? {
        guard let rate = conditions.bytesPerSecond else { return now }
        let start = max(now, busyUntil)
        // In floating point: a backlog of seconds times 100 MB/s in nanoseconds overflows 64
        // bits.
        let waiting = (start - now).inSeconds * Double(rate)
        guard waiting + Double(count) <= Double(conditions.queueBytes) else { return nil }
        let timeOnWire = Double(count) / Double(rate) * 1e9
        busyUntil = start + Interval(nanoseconds: Int64(timeOnWire.rounded(.up)))
        return busyUntil
    }

    private mutating func targetedEffect(_ length: Int) -> TargetedFault.Effect? {
        for (index, fault) in conditions.targetedFaults.enumerated()
        where fault.lengths.contains(length) && targetedHits[index] < fault.count {
            targetedHits[index] += 1
            return fault.effect
        }
        return nil
    }

    private mutating func isLost() -> Bool {
        switch conditions.loss {
        case .never:
            return false
        case .independent(let probability):
            return lossRandom.chance(probability)
        case .bursty(let model):
            if lossRandom.chance(isInBadState ? model.badToGood : model.goodToBad) {
                isInBadState.toggle()
            }
            return lossRandom.chance(isInBadState ? model.lossWhenBad : model.lossWhenGood)
        }
    }

    private mutating func arrival(departure: Instant) -> Instant {
        var delay = conditions.delay
        let jitter = conditions.jitter.nanoseconds
        if jitter > 0 {
            let offset = Int64(delayRandom.below(UInt64(2 * jitter + 1))) - jitter
            delay = max(.zero, delay + Interval(nanoseconds: offset))
        }
        var arrival = departure + delay
        if !conditions.jitterReorders { arrival = max(arrival, lastArrival) }
        lastArrival = max(arrival, lastArrival)
        if conditions.reordering > 0, reorderingRandom.chance(conditions.reordering) {
            counters.heldBack += 1
            arrival = arrival + conditions.reorderingDelay
        }
        return arrival
    }

    private mutating func duplicationDelay() -> Interval {
        let limit = UInt64(max(0, conditions.duplicationDelay.nanoseconds))
        return Interval(nanoseconds: Int64(duplicationRandom.below(limit + 1)))
    }

    /// Flips one to eight bits, or cuts the end off (one time in four).
    private mutating func damage(_ bytes: inout [UInt8]) {
        if corruptionRandom.chance(0.25) {
            bytes.removeLast(corruptionRandom.integer(in: 1...bytes.count))
            return
        }
        // Distinct bytes, or two flips could undo each other.
        let start = corruptionRandom.integer(in: 0...bytes.count - 1)
        let count = min(bytes.count, corruptionRandom.integer(in: 1...8))
        for index in 0..<count {
            let position = (start + index) % bytes.count
            bytes[position] ^= 1 << UInt8(corruptionRandom.below(8))
        }
    }
}
