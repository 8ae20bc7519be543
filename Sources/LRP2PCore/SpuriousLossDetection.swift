/// Learns from losses that proved to have been none: how much reordering to tolerate, and whether
/// a reduction of the congestion window was a mistake (RFC 9002 §6.1, RFC 9438 §4.9).
struct SpuriousLossDetection<Controller: CongestionController>: Sendable {
    private static var maximumPacketThreshold: UInt64 { 1024 }
    private static var maximumTimeThreshold: Int64 { 16 }
    /// How long a loss may still prove to have been none.
    private static var roundTripsOfDoubt: Int64 { 4 }
    /// Retransmitted segments that are remembered after their acknowledgement.
    private static var maximumRemembered: Int { 64 }

    /// kPacketThreshold (RFC 9002 §6.1.1).
    private(set) var packetThreshold: UInt64 = 3
    /// kTimeThreshold in eighths (RFC 9002 §6.1.2).
    private(set) var timeThreshold: Int64 = 9
    private(set) var spuriousRetransmissions: UInt64 = 0

    /// The controller before the first of the losses that may all prove to have been none; `nil`
    /// when there are no such.
    private var before: Controller?
    private var since = Instant(nanoseconds: 0)
    /// The order of the first, how many there are, and how many were disproved.
    private var firstOrder: UInt64 = 0
    private var losses = 0
    private var disproved = 0

    private struct Remembered: Sendable {
        var position = UInt64.max
        var loss = Loss()
    }

    /// A sending that was declared lost.
    struct Loss: Sendable {
        var order: UInt64 = 0
        var cause = RetransmissionCause.packetThreshold
    }

    private var remembered = SequenceRing<Remembered>(start: 0, filler: Remembered())

    /// A sending was declared lost, and the controller has not been told yet.
    ///
    /// - Parameter isEvent: whether it will be, because this is the first loss of a round trip.
    mutating func didDeclareLost(
        _ order: UInt64, isEvent: Bool, controller: Controller, rtt: RTTEstimator, now: Instant
    ) {
        // What has not been disproved after some round trips was a loss indeed.
        let isInDoubt = before != nil && now - since < rtt.smoothed * Self.roundTripsOfDoubt
        if isEvent, !isInDoubt {
            before = controller
            since = now
            firstOrder = order
            losses = 0
            disproved = 0
        }
        losses += 1
    }

    /// The sending arrived after all.
    ///
    /// - Parameters:
    ///   - largest: the largest acknowledged order.
    ///   - wasSentAgain: whether its segment was, so in vain.
    ///   - controller: goes back to what it was when nothing was lost at all.
    mutating func didDisprove(
        _ loss: Loss, largest: UInt64?, wasSentAgain: Bool, controller: inout Controller
    ) {
        if wasSentAgain { spuriousRetransmissions += 1 }
        guard loss.cause != .probeTimeout else { return }
        if let largest, largest > loss.order {
            packetThreshold = min(
                max(packetThreshold, largest - loss.order + 1), Self.maximumPacketThreshold)
        }
        if loss.cause == .timeThreshold {
            timeThreshold = min(timeThreshold + 1, Self.maximumTimeThreshold)
        }
        guard let before, loss.order >= firstOrder else { return }
        disproved += 1
        guard disproved == losses else { return }
        self.before = nil
        // What has been gained since is kept.
        if controller.congestionWindow < before.congestionWindow { controller = before }
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
