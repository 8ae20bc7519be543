/// The sizes of the base protocol (PROTOCOL.md §1).
public enum WireFormat {
    /// Bytes of the connection id that starts every datagram.
    public static let connectionIDLength = 8
    /// Bytes of the explicit nonce of a data datagram.
    static let nonceLength = 8
    /// Bytes before the ciphertext of a data datagram.
    static let dataHeaderLength = connectionIDLength + nonceLength
    /// Bytes of the authentication tag.
    static let tagLength = 16
    /// The shortest data datagram: an empty plaintext.
    static let minimumDataDatagram = dataHeaderLength + tagLength
    /// The longest datagram we send: what the reference's receive buffer takes.
    public static let maximumDatagram = 1400
    /// A longer datagram is not the protocol's: well beyond what a reference peer takes.
    static let maximumReceivedDatagram = 2048
    /// Application bytes of a full segment.
    public static let maximumPayload =
        maximumDatagram - minimumDataDatagram - Segment.dataHeaderLength
    /// The shortest first message of a handshake.
    static let minimumFirstMessage = connectionIDLength + 32
    /// The shortest third message of a handshake.
    static let minimumThirdMessage = connectionIDLength + 64
    /// Messages 2 and 3 of a base peer, whose payloads are empty.
    static let laterMessages = [connectionIDLength + 96, minimumThirdMessage]
    /// The largest window that three bytes can tell.
    static let maximumWindow = 0xff_ffff
    /// The reference loses what is further ahead than its ring (hazard 5): stay below.
    static let maximumOutstandingSegments: UInt64 = 65_534
}

/// The random number that names a connection on the wire, chosen by the initiator.
struct ConnectionID: Hashable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Reads the start of a datagram of at least eight bytes.
    @inline(__always)
    init(startOf datagram: UnsafeRawBufferPointer) {
        rawValue = UInt64(bigEndian: datagram.loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.storeBytes(of: rawValue.bigEndian, as: UInt64.self)
    }
}

/// Positions in the endless sequence of segments, of which the wire shows the low 32 bits.
enum SequenceNumber {
    /// The position nearest to `reference` whose low half is `wire` (serial arithmetic, RFC 1982).
    /// `nil` when that would be before the start of all sequences.
    @inline(__always)
    static func position(of wire: UInt32, near reference: UInt64) -> UInt64? {
        let distance = Int32(bitPattern: wire &- UInt32(truncatingIfNeeded: reference))
        let position = Int64(bitPattern: reference) + Int64(distance)
        return position < 0 ? nil : UInt64(position)
    }
}
