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
    /// The longest datagram of the base protocol, which is what the reference's receive buffer
    /// takes; connections of the extended protocol begin with it.
    public static let initialDatagram = 1400
    /// The longest datagram of all: what UDP over IPv4 carries.
    public static let maximumDatagram = 65_507
    /// Application bytes of a full segment of the base protocol.
    public static let maximumPayload =
        initialDatagram - minimumDataDatagram - Segment.dataHeaderLength
    /// The shortest first message of a handshake.
    static let minimumFirstMessage = connectionIDLength + 32
    /// The longest message of a handshake: an offer with as many names as may be configured.
    static let maximumHandshakeMessage = 4096
    /// The shortest third message of a handshake.
    static let minimumThirdMessage = connectionIDLength + 64
    /// What is sent to an address that has not been validated, as a multiple of what came from it
    /// (RFC 9000 §8.1).
    static let amplificationLimit = 3
    /// Bytes of an offer, filled up if need be: message 2 is then no longer than three times
    /// message 1 (RFC 9000 §8.1).
    static let minimumOffer = 160
    /// Bytes that a base connection buffers for its reader from the start.
    static let baseReceiveBuffer = 2 << 20
    /// Messages 2 and 3 of a base peer, whose payloads are empty, and message 3 of ours.
    static let laterMessages = [
        connectionIDLength + 96, minimumThirdMessage,
        minimumThirdMessage + HandshakePayload.magic.count + HandshakePayload.Entry.headerLength
            + StatelessReset.tokenLength,
    ]
    /// The largest window that three bytes can tell.
    static let maximumWindow = 0xff_ffff
    /// The reference loses what is further ahead than its ring (hazard 5): stay below.
    static let maximumOutstandingSegments: UInt64 = 65_534
}

/// The eight bytes behind the connection id (PROTOCOL.md §3): in the base protocol the nonce, in
/// the extended one the packet number, which is the nonce too, with two flags above it.
struct PacketHeader {
    /// Says that the packet is one of the extended protocol.
    private static let extendedBit: UInt64 = 1 << 63
    /// The parity of the key phase.
    private static let phaseBit: UInt64 = 1 << 62
    static let maximumNumber: UInt64 = 1 << 56 - 1

    let number: UInt64
    let isPhaseOdd: Bool

    init(number: UInt64, isPhaseOdd: Bool) {
        self.number = number
        self.isPhaseOdd = isPhaseOdd
    }

    /// `nil` when it is no header of the extended protocol.
    @inline(__always)
    init?(field: UInt64) {
        number = field & Self.maximumNumber
        isPhaseOdd = field & Self.phaseBit != 0
        guard field & ~(Self.maximumNumber | Self.phaseBit) == Self.extendedBit else { return nil }
    }

    @inline(__always)
    var field: UInt64 { Self.extendedBit | (isPhaseOdd ? Self.phaseBit : 0) | number }

    /// Reads the field of a datagram of at least 16 bytes.
    @inline(__always)
    static func field(of datagram: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(
            bigEndian: datagram.loadUnaligned(
                fromByteOffset: WireFormat.connectionIDLength, as: UInt64.self))
    }
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
