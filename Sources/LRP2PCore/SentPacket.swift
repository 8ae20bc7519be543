/// What loss recovery keeps of each packet that was sent: one cache line, because millions of them
/// may be in flight on a long and fast path.
struct SentPacket: Sendable {
    enum State: UInt8, Sendable {
        /// Carries nothing that the peer acknowledges, or is dealt with.
        case settled
        case inFlight
    }

    /// What must be said again, or looked at, when the packet is lost or acknowledged.
    struct Contents: OptionSet, Sendable {
        let rawValue: UInt8
        /// Application bytes: `offset` and `length` tell which.
        static let data = Contents(rawValue: 1)
        /// The end of our stream.
        static let end = Contents(rawValue: 2)
        /// How far the peer may send.
        static let window = Contents(rawValue: 4)
        /// Tries whether the path takes a datagram of this size: its loss is no congestion.
        static let sizeProbe = Contents(rawValue: 8)
        /// An acknowledgement that may be forgotten once it has arrived.
        static let acknowledgement = Contents(rawValue: 16)
        /// Application bytes that were sent before.
        static let retransmission = Contents(rawValue: 32)
        /// The application had nothing more to send: says nothing about what the path can carry.
        static let applicationLimited = Contents(rawValue: 64)
        /// How much of the peer's stream the application has confirmed.
        static let delivered = Contents(rawValue: 128)
    }

    /// Where its data is in the stream; in the base protocol, the position of its segment.
    var offset: UInt64 = 0
    var sentAt = Instant(nanoseconds: 0)
    var stamp = DeliveryStamp(
        delivered: 0, deliveredAt: Instant(nanoseconds: 0), firstSentAt: Instant(nanoseconds: 0),
        bytesInFlight: 0, lost: 0)
    /// Bytes of application data.
    var length: UInt16 = 0
    /// Bytes of the datagram.
    var size: UInt16 = 0
    var contents: Contents = []
    var state = State.settled

    /// Bytes that count as in flight. A probe of the path's size is one packet that must not hold
    /// back what is to be said: it may be longer than the whole window, and its fate tells nothing
    /// about congestion (RFC 8899 §3, RFC 9000 §14.4).
    var chargedSize: Int { contents.contains(.sizeProbe) ? 0 : Int(size) }
}

/// A packet that was declared lost.
struct LostPacket: Sendable {
    var number: UInt64 = 0
    var cause = RetransmissionCause.packetThreshold
    var packet = SentPacket()
}
