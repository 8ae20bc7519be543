import LRP2PCore

/// One direction of a path between two hosts: decides what becomes of each datagram, and carries
/// none itself. It has no clock: virtual time drives it as well as a real one.
///
/// Equal conditions, seed, name, lengths and times give equal decisions. Not for concurrent use.
public struct Link: Sendable {
    public let conditions: LinkConditions
    private(set) var counters = LinkCounters()
    // One stream of random numbers per effect: more loss then leaves the jitter as it was.
    private var lossRandom: SeededRandom
    private var delayRandom: SeededRandom
    private var reorderingRandom: SeededRandom
    private var duplicationRandom: SeededRandom
    private var corruptionRandom: SeededRandom
    private var targetedRandom: SeededRandom
    private var isInBadState = false
    private var targetedHits: [Int]
    private var busyUntil = Instant(nanoseconds: .min)
    private var lastArrival = Instant(nanoseconds: .min)
    private var rateChangesDone = 0

    /// - Parameters:
    ///   - conditions: what the link does to datagrams.
    ///   - seed: decides everything random.
    ///   - name: tells links of one seed apart; each name has random numbers of its own.
    public init(conditions: LinkConditions, seed: UInt64, name: String) {
        precondition(conditions.bytesPerSecond.map { $0 > 0 } ?? true, "a rate above zero")
        self.conditions = conditions
        lossRandom = SeededRandom(seed: seed, stream: "loss " + name)
        delayRandom = SeededRandom(seed: seed, stream: "delay " + name)
        reorderingRandom = SeededRandom(seed: seed, stream: "reordering " + name)
        duplicationRandom = SeededRandom(seed: seed, stream: "duplication " + name)
        corruptionRandom = SeededRandom(seed: seed, stream: "corruption " + name)
        targetedRandom = SeededRandom(seed: seed, stream: "targeted " + name)
        targetedHits = Array(repeating: 0, count: conditions.targetedFaults.count)
    }

    /// Decides what becomes of a datagram that enters the link now.
    ///
    /// - Parameters:
    ///   - bytes: the datagram. It is copied only to be damaged.
    ///   - ecn: the ECN field it was sent with.
    ///   - now: on the clock of ``LinkArrival/time``; never earlier than in the call before.
    ///   - elapsed: since the start, for what ``LinkConditions`` has by time.
    ///   - deliver: gets each copy, in order of arrival. The bytes are valid during the call.
    public mutating func send(
        _ bytes: UnsafeRawBufferPointer, ecn: ECNCodepoint = .notECT, now: Instant,
        elapsed: Interval, deliver: (UnsafeRawBufferPointer, LinkArrival) -> Void
    ) -> DatagramFate {
        counters.sent += 1
        counters.sentBytes += bytes.count
        if conditions.isPartitioned(at: elapsed) { return drop(.partitioned) }
        if bytes.count > conditions.maximumDatagram(at: elapsed) { return drop(.tooLong) }
        applyRateChange(now: now, elapsed: elapsed)
        let backlog = backlogBytes(now: now, elapsed: elapsed)
        guard let departure = enqueue(bytes.count, behind: backlog, now: now, elapsed: elapsed)
        else { return drop(.queueFull) }
        let codepoint = treat(ecn, backlog: backlog)
        let targeted = targetedEffect(bytes.count)
        if targeted == .drop { return drop(.targeted) }
        if isLost() { return drop(.lost) }
        var copies = 1
        if conditions.duplication > 0, duplicationRandom.chance(conditions.duplication) {
            copies = 2
            counters.duplicated += 1
        }
        var damaged = 0
        let first = arrival(departure: departure)
        let second = copies > 1 ? arrival(departure: departure) + duplicationDelay() : first
        for copy in 0..<copies {
            let isDamaged = !bytes.isEmpty && (targeted == .damage
                || conditions.corruption > 0 && corruptionRandom.chance(conditions.corruption))
            let arrival = LinkArrival(
                time: copy == 0 ? min(first, second) : max(first, second),
                isDamaged: isDamaged, isDuplicate: copy > 0, ecn: codepoint)
            if isDamaged {
                damaged += 1
                damagedCopy(of: bytes).withUnsafeBytes { deliver($0, arrival) }
            } else {
                deliver(bytes, arrival)
            }
        }
        counters.damaged += damaged
        return .carried(copies: copies, damaged: damaged)
    }

    mutating func countDelivery(bytes: Int) {
        counters.delivered += 1
        counters.deliveredBytes += bytes
        counters.longestDelivered = max(counters.longestDelivered, bytes)
    }

    /// From now on the longest queueing time is that of what comes.
    mutating func forgetLongestQueueingTime() {
        counters.longestQueueingTime = .zero
    }

    mutating func drop(_ cause: LinkDrop) -> DatagramFate {
        counters.countDrop(cause)
        return .dropped(cause)
    }

    /// Bytes that wait for the link, or are on it.
    ///
    /// In floating point: a backlog of seconds times 100 MB/s in nanoseconds overflows 64 bits.
    func backlogBytes(now: Instant, elapsed: Interval) -> Double {
        guard let rate = conditions.bytesPerSecond(at: elapsed), busyUntil > now else { return 0 }
        return (busyUntil - now).inSeconds * Double(rate)
    }

    /// The moment the last byte has left the sender; `nil` when the queue is full.
    private mutating func enqueue(
        _ count: Int, behind backlog: Double, now: Instant, elapsed: Interval
    ) -> Instant? {
        guard let rate = conditions.bytesPerSecond(at: elapsed) else { return now }
        guard backlog + Double(count) <= Double(conditions.queueBytes) else { return nil }
        let timeOnWire = Double(count) / Double(rate) * 1e9
        busyUntil = max(now, busyUntil) + Interval(nanoseconds: Int64(timeOnWire.rounded(.up)))
        counters.queued += 1
        counters.queuedBytes += count
        counters.queueingTime = counters.queueingTime + (busyUntil - now)
        counters.longestQueueingTime = max(counters.longestQueueingTime, busyUntil - now)
        return busyUntil
    }

    /// A rate that changes moves the departure of what waits: the bytes stay, the time changes.
    private mutating func applyRateChange(now: Instant, elapsed: Interval) {
        let due = conditions.rateChanges.prefix { $0.at <= elapsed }.count
        guard due > rateChangesDone, let before = conditions.bytesPerSecond else { return }
        let former = rateChangesDone == 0
            ? before : conditions.rateChanges[rateChangesDone - 1].bytesPerSecond
        rateChangesDone = due
        guard busyUntil > now else { return }
        let waiting = (busyUntil - now).inSeconds * Double(former)
        let time = waiting / Double(conditions.rateChanges[due - 1].bytesPerSecond) * 1e9
        busyUntil = now + Interval(nanoseconds: Int64(time.rounded(.up)))
    }

    private mutating func treat(_ ecn: ECNCodepoint, backlog: Double) -> ECNCodepoint {
        let isMarked: Bool
        switch conditions.ecn {
        case .passes: return ecn
        case .clears: return .notECT
        case .marks(let threshold): isMarked = backlog > Double(threshold)
        case .marksAll: isMarked = true
        }
        guard isMarked, ecn != .notECT else { return ecn }
        counters.marked += 1
        return .ce
    }

    private mutating func targetedEffect(_ length: Int) -> TargetedFault.Effect? {
        for (index, fault) in conditions.targetedFaults.enumerated()
        where fault.lengths.contains(length) && targetedHits[index] < fault.count {
            if fault.share < 1, !targetedRandom.chance(fault.share) { continue }
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
    private mutating func damagedCopy(of datagram: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes = Array(datagram)
        if corruptionRandom.chance(0.25) {
            bytes.removeLast(corruptionRandom.integer(in: 1...bytes.count))
            return bytes
        }
        // Distinct bytes, or two flips could undo each other.
        let start = corruptionRandom.integer(in: 0...bytes.count - 1)
        let count = min(bytes.count, corruptionRandom.integer(in: 1...8))
        for index in 0..<count {
            let position = (start + index) % bytes.count
            bytes[position] ^= 1 << UInt8(corruptionRandom.below(8))
        }
        return bytes
    }
}
