/// Which bytes of our stream the peer has, which must be sent again, and how it ends; in the
/// extended protocol, where packets carry any range of it.
struct SendStream: Sendable {
    /// Received by the peer, beyond what it has without gaps.
    private var acknowledged = OffsetRanges()
    /// Lost, and not acknowledged in another packet since.
    private var lost = OffsetRanges()
    /// The offset that the peer allows us to send up to (RFC 9000 §4.1).
    private(set) var limit: UInt64
    /// Where the stream ends, once the application has said so.
    private var finalOffset: UInt64?
    private var mustSendEnd = false
    private(set) var isEndAcknowledged = false
    /// Everything before this is acknowledged.
    private(set) var acknowledgedUpTo: UInt64 = 0
    /// What the peer reports as delivered; `nil` when the acknowledgement of packets is as much.
    private var deliveredUpTo: UInt64?

    init(limit: UInt64, awaitsDelivery: Bool = false) {
        self.limit = limit
        deliveredUpTo = awaitsDelivery ? 0 : nil
    }

    /// A part of the stream for one packet.
    struct Piece {
        var offset: UInt64
        var length: Int
        var isRetransmission: Bool
        /// The stream ends with it.
        var isFinal: Bool
    }

    /// The application has written its last byte before `offset`.
    mutating func finish(at offset: UInt64) {
        guard finalOffset == nil else { return }
        finalOffset = offset
        mustSendEnd = true
    }

    var isFinishing: Bool { finalOffset != nil }

    /// Returns whether more may be sent than before.
    mutating func raiseLimit(to maximum: UInt64) -> Bool {
        guard maximum > limit else { return false }
        limit = maximum
        return true
    }

    /// Whether there is something to send.
    ///
    /// - Parameters:
    ///   - next: up to where the stream has been sent once.
    ///   - end: up to where the application has written.
    @inline(__always)
    func hasPiece(next: UInt64, end: UInt64) -> Bool {
        let end = finalOffset ?? end
        return !lost.isEmpty || min(end, limit) > next || (mustSendEnd && next == end)
    }

    /// Whether only the peer's window keeps back what was written.
    @inline(__always)
    func isBlocked(next: UInt64, end: UInt64) -> Bool {
        lost.isEmpty && next >= limit && end > next
    }

    /// What to send next: what was lost before what is new.
    ///
    /// - Parameter room: bytes left in the packet for a stream frame without a length, header
    ///   included.
    @inline(__always)
    func nextPiece(next: UInt64, end: UInt64, room: Int) -> Piece? {
        let end = finalOffset ?? end
        let isRetransmission = !lost.isEmpty
        let available = lost.first ?? next..<max(next, min(end, limit))
        let space = room - FrameWriter.streamHeaderLength(offset: available.lowerBound)
        guard space > 0 else { return nil }
        let length = min(space, available.count)
        let isFinal = finalOffset == available.lowerBound + UInt64(length)
        guard length > 0 || (mustSendEnd && isFinal) else { return nil }
        return Piece(
            offset: available.lowerBound, length: length, isRetransmission: isRetransmission,
            isFinal: isFinal)
    }

    mutating func didSend(_ piece: Piece) {
        if piece.isRetransmission { lost.removeFirst(upTo: piece.offset + UInt64(piece.length)) }
        if piece.isFinal { mustSendEnd = false }
    }

    @inline(__always)
    mutating func didAcknowledge(_ packet: SentPacket) {
        if packet.contents.contains(.end) {
            isEndAcknowledged = true
            mustSendEnd = false
        }
        guard packet.length > 0 else { return }
        let upper = packet.offset + UInt64(packet.length)
        if !lost.isEmpty { lost.remove(packet.offset..<upper) }
        if packet.offset <= acknowledgedUpTo {
            acknowledgedUpTo = max(acknowledgedUpTo, upper)
        } else {
            acknowledged.insert(packet.offset..<upper)
        }
        // More than one, when what was sent again in one packet had been sent in several.
        while let first = acknowledged.first, first.lowerBound <= acknowledgedUpTo {
            acknowledgedUpTo = max(acknowledgedUpTo, first.upperBound)
            acknowledged.removeFirst(upTo: first.upperBound)
        }
    }

    /// A packet was lost: what it carried is to be sent again, as far as it has not arrived in
    /// another one.
    mutating func didLose(_ packet: SentPacket) {
        if packet.contents.contains(.end), !isEndAcknowledged { mustSendEnd = true }
        let upper = packet.offset + UInt64(packet.length)
        let lower = max(packet.offset, acknowledgedUpTo)
        guard lower < upper else { return }
        lost.insert(lower..<upper)
        var index = acknowledged.index(atOrAfter: lower)
        while index < acknowledged.count, acknowledged[index].lowerBound < upper {
            lost.remove(acknowledged[index])
            index += 1
        }
    }

    /// The peer reports what it has delivered, the end of the stream as one more byte. False when
    /// that was never sent.
    ///
    /// - Parameter next: up to where the stream has been sent once.
    mutating func didReport(delivered offset: UInt64, next: UInt64) -> Bool {
        guard offset <= next + (finalOffset == next ? 1 : 0) else { return false }
        deliveredUpTo = deliveredUpTo.map { max($0, offset) }
        return true
    }

    /// Everything before this is the peer's for good.
    var settledUpTo: UInt64 { min(acknowledgedUpTo, deliveredUpTo ?? .max) }

    /// Whether something has arrived that the peer has not delivered.
    var isAwaitingDelivery: Bool {
        guard let deliveredUpTo else { return false }
        return acknowledgedUpTo + (isEndAcknowledged ? 1 : 0) > deliveredUpTo
    }

    /// Everything written was delivered, the end included.
    var isComplete: Bool {
        guard let finalOffset, isEndAcknowledged else { return false }
        return acknowledgedUpTo == finalOffset && deliveredUpTo ?? .max > finalOffset
    }
}
