/// What a receiver tells of bytes that its application has confirmed, where that is what counts as
/// delivered (`EndpointConfiguration.confirmsDelivery`); in the extended protocol.
///
/// Packets are acknowledged as ever, for loss recovery. The sender keeps its bytes until the report
/// of them has come. Offsets count the end of the stream as one more byte.
struct DeliveryReports: Sendable {
    /// Everything before has been confirmed.
    private(set) var confirmed: UInt64 = 0
    /// The peer is known to have been told.
    private(set) var acknowledged: UInt64 = 0
    private(set) var mustSend = false
    /// The packet with the newest report.
    private var newest: (number: UInt64, offset: UInt64)?

    mutating func confirm(upTo offset: UInt64) {
        guard offset > confirmed else { return }
        confirmed = offset
        mustSend = true
    }

    mutating func didSend(in number: UInt64) {
        newest = (number, confirmed)
        mustSend = false
    }

    mutating func didDeliver(_ number: UInt64) {
        guard let newest, newest.number == number else { return }
        acknowledged = newest.offset
    }

    mutating func didLose(_ number: UInt64) {
        if newest?.number == number { mustSend = true }
    }
}

/// Which segments of the base protocol may be acknowledged, where bytes count as delivered only when
/// the application has confirmed them. That protocol has no other word for it, so its
/// acknowledgements wait, those of segments that came early included.
struct ConfirmedSegments: Sendable {
    /// Steps that are remembered. Beyond it, the last two become one: acknowledged a little later.
    static let maximumSteps = 1024

    /// Every segment before it is confirmed.
    private(set) var next: UInt64
    /// Every segment before it has been acknowledged since it was confirmed.
    private var acknowledgedUpTo: UInt64
    /// Bytes.
    private var confirmedUpTo: UInt64 = 0
    /// With every byte before `end` every segment before `next` is confirmed.
    private var steps: [(end: UInt64, next: UInt64)] = []

    init(initialSequenceNumber: UInt32) {
        next = UInt64(initialSequenceNumber)
        acknowledgedUpTo = next
    }

    /// The stream has grown to `end`: every segment before `next` is in it.
    mutating func didReceive(upTo end: UInt64, next: UInt64) {
        if steps.count == Self.maximumSteps { steps.removeLast() }
        steps.append((end, next))
        // Of a segment without bytes nobody will hear again.
        confirm(upTo: confirmedUpTo)
    }

    mutating func confirm(upTo offset: UInt64) {
        confirmedUpTo = max(confirmedUpTo, offset)
        let count = steps.prefix { $0.end <= offset }.count
        guard count > 0 else { return }
        next = steps[count - 1].next
        steps.removeFirst(count)
    }

    /// The next segment to acknowledge.
    mutating func takeNext() -> UInt64? {
        guard acknowledgedUpTo < next else { return nil }
        defer { acknowledgedUpTo += 1 }
        return acknowledgedUpTo
    }
}
