/// Learns from losses that proved to have been none: how much reordering to tolerate, and whether
/// a reduction of the congestion window was a mistake (RFC 9002 §6.1, RFC 9438 §4.9).
struct SpuriousLossDetection: Sendable {
    private static let maximumPacketThreshold: UInt64 = 1024
    private static let maximumTimeThreshold: Int64 = 16
    /// How long a loss may still prove to have been none.
    private static let roundTripsOfDoubt: Int64 = 4
    /// Base protocol: retransmitted segments that are remembered after their acknowledgement.
    private static let maximumRemembered = 64
    /// Extended protocol: lost packets that are remembered in case they are acknowledged after all.
    private static let maximumLate = 256

    /// kPacketThreshold (RFC 9002 §6.1.1).
    private(set) var packetThreshold: UInt64 = 3
    /// kTimeThreshold in eighths (RFC 9002 §6.1.2).
    private(set) var timeThreshold: Int64 = 9
    private(set) var spuriousRetransmissions: UInt64 = 0

    /// The controller before the first of the losses that may all prove to have been none; `nil`
    /// when there are no such.
    private var before: CongestionControl?
    private var since = Instant(nanoseconds: 0)
    /// The number of the first, how many there are, and how many were disproved.
    private var firstNumber: UInt64 = 0
    private var losses = 0
    private var disproved = 0

    private struct Remembered: Sendable {
        var position = UInt64.max
        var loss = Loss()
    }

    /// A packet that was declared lost.
    struct Loss: Sendable {
        var number: UInt64 = 0
        var cause = RetransmissionCause.packetThreshold
    }

    private var remembered = SequenceRing<Remembered>(
        start: 0, filler: Remembered(), initialCapacity: 1)
    /// Ascending by number.
    private var late = ContiguousArray<LostPacket>()

    /// A packet was declared lost, and the controller has not been told yet.
    ///
    /// - Parameter isEvent: whether it will be, because this is the first loss of a round trip.
    mutating func didDeclareLost(
        _ lost: LostPacket, isEvent: Bool, controller: CongestionControl, rtt: RTTEstimator,
        now: Instant
    ) {
        if isEvent {
            let horizon = rtt.smoothed * Self.roundTripsOfDoubt
            late.removeAll { now - $0.packet.sentAt > horizon * 2 }
        }
        remember(lost)
        // What has not been disproved after some round trips was a loss indeed.
        let isInDoubt = before != nil && now - since < rtt.smoothed * Self.roundTripsOfDoubt
        if isEvent, !isInDoubt {
            before = controller
            since = now
            firstNumber = lost.number
            losses = 0
            disproved = 0
        }
        losses += 1
    }

    /// A packet was given up by the probe timeout, which says nothing about the path.
    mutating func didGiveUp(_ packet: LostPacket) {
        remember(packet)
    }

    private mutating func remember(_ packet: LostPacket) {
        if late.count == Self.maximumLate { late.removeFirst(Self.maximumLate / 4) }
        late.append(packet)
    }

    /// Extended protocol: a remembered packet within the range, which has arrived after all.
    mutating func takeLate(in range: ClosedRange<UInt64>) -> LostPacket? {
        guard let last = late.last, last.number >= range.lowerBound else { return nil }
        // An acknowledgement may have many ranges, and a packet many acknowledgements.
        var low = 0, high = late.count - 1
        while low < high {
            let middle = (low + high) / 2
            if late[middle].number < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return range.contains(late[low].number) ? late.remove(at: low) : nil
    }

    /// The packet arrived after all.
    ///
    /// - Parameters:
    ///   - largest: the largest acknowledged number.
    ///   - wasSentAgain: whether its contents were, so in vain.
    ///   - controller: goes back to what it was when nothing was lost at all.
    mutating func didDisprove(
        _ loss: Loss, largest: UInt64?, wasSentAgain: Bool, controller: inout CongestionControl
    ) {
        if wasSentAgain { spuriousRetransmissions += 1 }
        guard loss.cause != .probeTimeout else { return }
        if let largest, largest > loss.number {
            packetThreshold = min(
                max(packetThreshold, largest - loss.number + 1), Self.maximumPacketThreshold)
        }
        if loss.cause == .timeThreshold {
            timeThreshold = min(timeThreshold + 1, Self.maximumTimeThreshold)
        }
        guard let before, loss.number >= firstNumber else { return }
        disproved += 1
        guard disproved == losses else { return }
        self.before = nil
        controller.undo(to: before)
    }

    /// A retransmitted segment was acknowledged, and it cannot be told for which sending.
    mutating func remember(_ position: UInt64, _ loss: Loss) {
        if remembered.count == Self.maximumRemembered { _ = remembered.removeFirst() }
        remembered.append(Remembered(position: position, loss: loss))
    }

    /// A segment was acknowledged again. The peer answers every copy that reaches it, so a second
    /// answer to a segment that was sent twice means that both have arrived: RFC 3708 learns that
    /// from a duplicate SACK. Returns the loss that was none.
    mutating func didAcknowledgeAgain(_ position: UInt64) -> Loss? {
        for index in remembered.start..<remembered.end
        where remembered[index].position == position {
            remembered[index].position = .max
            return remembered[index].loss
        }
        return nil
    }

    /// The losses are beyond doubt.
    mutating func giveUpDoubt() {
        before = nil
    }
}
