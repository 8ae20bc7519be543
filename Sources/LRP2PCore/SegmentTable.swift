/// The segments of the base protocol that are sent and not yet acknowledged (PROTOCOL.md §1).
///
/// A segment keeps its number when it is sent again, so an acknowledgement does not tell for which
/// sending it is. This table knows the packet, in the sense of `LossRecovery`, in which each was
/// sent last, and draws the conclusions that are possible.
struct SegmentTable: Sendable {
    struct Segment: Sendable {
        enum State: UInt8, Sendable { case inFlight, lost, acknowledged }
        /// Where its bytes are in the stream.
        var offset: UInt64 = 0
        var length: Int32 = 0
        var state = State.acknowledged
        var isRetransmission = false
        /// Why it was last declared lost.
        var cause = RetransmissionCause.packetThreshold
        /// The packet it was sent in last, and the one before that.
        var number: UInt64 = 0
        var previousNumber: UInt64 = 0
        var sentAt = Instant(nanoseconds: 0)
    }

    /// From the first segment that is not acknowledged to the next new one.
    private var segments: SequenceRing<Segment>
    /// Positions declared lost, to be sent again in this order; stale ones are skipped.
    private var lost = SequenceRing<UInt64>(start: 0, filler: 0, initialCapacity: 1)
    /// Segments sent and not acknowledged, lost ones included: what the peer's window bounds.
    private(set) var unacknowledged = 0

    init(initialSequenceNumber: UInt32) {
        segments = SequenceRing(
            start: UInt64(initialSequenceNumber), filler: Segment(), initialCapacity: 1)
    }

    var firstUnacknowledged: UInt64 { segments.start }
    var nextNew: UInt64 { segments.end }
    /// How far the newest segment is ahead of the first that is not acknowledged.
    var span: Int { segments.count }

    func segment(at position: UInt64) -> Segment { segments[position] }

    // MARK: Sending

    /// Records that the segment `nextNew` is sent for the first time, in the packet `number`.
    mutating func didSendNew(number: UInt64, offset: UInt64, length: Int, now: Instant) {
        var segment = Segment()
        segment.offset = offset
        segment.length = Int32(length)
        segment.state = .inFlight
        segment.number = number
        segment.sentAt = now
        segments.append(segment)
        unacknowledged += 1
    }

    /// The segment to send again next.
    mutating func nextRetransmission() -> UInt64? {
        while !lost.isEmpty {
            let position = lost[lost.start]
            if position >= segments.start, segments[position].state == .lost { return position }
            _ = lost.removeFirst()
        }
        return nil
    }

    /// Records that what `nextRetransmission` returned is sent, in the packet `number`.
    mutating func didRetransmit(_ position: UInt64, number: UInt64, now: Instant) {
        _ = lost.removeFirst()
        segments[position].state = .inFlight
        segments[position].isRetransmission = true
        segments[position].previousNumber = segments[position].number
        segments[position].number = number
        segments[position].sentAt = now
    }

    /// The packet that carried it last was declared lost.
    mutating func didLose(_ packet: LostPacket) {
        let position = packet.packet.offset
        guard position >= segments.start, segments[position].number == packet.number,
            segments[position].state == .inFlight
        else { return }
        segments[position].state = .lost
        segments[position].cause = packet.cause
        lost.append(position)
    }

    // MARK: Acknowledgement

    /// The peer has received the segment at `position`, and everything before `cumulative`.
    ///
    /// - Parameter mayBeRepeated: the peer may say this again without having received it again.
    /// - Returns: the round trip it measured, if any.
    mutating func acknowledge(
        _ position: UInt64, allBefore cumulative: UInt64, mayBeRepeated: Bool = false,
        recovery: inout LossRecovery, now: Instant
    ) -> Interval? {
        recovery.beginAcknowledgement()
        // Karn: only what was sent once tells that the timeout is long enough again.
        var endsBackoff = false
        if position >= segments.start, segments[position].state != .acknowledged {
            let segment = segments[position]
            endsBackoff = !segment.isRetransmission
            remove(position, isNamed: true, recovery: &recovery, now: now)
        } else if !mayBeRepeated {
            recovery.didAcknowledgeAgain(position)
        }
        var before = segments.start
        while before < min(cumulative, segments.end) {
            if segments[before].state != .acknowledged {
                remove(before, isNamed: false, recovery: &recovery, now: now)
            }
            before += 1
        }
        while !segments.isEmpty, segments[segments.start].state == .acknowledged {
            _ = segments.removeFirst()
        }
        return recovery.endAcknowledgement(endsBackoff: endsBackoff, now: now)
    }

    /// - Parameter isNamed: it is the one segment that the acknowledgement names, from which
    ///   conclusions may be drawn.
    private mutating func remove(
        _ position: UInt64, isNamed: Bool, recovery: inout LossRecovery, now: Instant
    ) {
        let segment = segments[position]
        let isForEarlier = isForEarlierSending(segment, recovery: &recovery, now: now)
        let isEvidence = isNamed && !isForEarlier
        if isEvidence {
            if segment.isRetransmission {
                recovery.rememberRetransmission(
                    position, .init(number: segment.previousNumber, cause: segment.cause))
            }
            recovery.noteAcknowledged(segment.number)
        }
        segments[position].state = .acknowledged
        unacknowledged -= 1
        _ = recovery.acknowledge(
            segment.number, mayMeasure: isEvidence && !segment.isRetransmission, now: now)
    }

    /// Whether the acknowledgement comes sooner after the last sending than any round trip so far,
    /// or before it was sent again at all: then an earlier sending arrived, and the loss was none.
    private func isForEarlierSending(
        _ segment: Segment, recovery: inout LossRecovery, now: Instant
    ) -> Bool {
        let isLost = segment.state == .lost
        let rtt = recovery.rtt
        let isTooSoon =
            segment.isRetransmission && rtt.hasSample && now - segment.sentAt < rtt.minimum
        guard isLost || isTooSoon else { return false }
        let number = isLost ? segment.number : segment.previousNumber
        recovery.didDisprove(
            .init(number: number, cause: segment.cause), wasSentAgain: !isLost)
        return true
    }
}
