/// The plaintext of a data datagram (PROTOCOL.md §1).
enum Segment {
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let acknowledgement = Flags(rawValue: 1)
        /// The first segment of its direction.
        static let synchronize = Flags(rawValue: 2)
        /// A retransmission: its acknowledgement measures no round trip.
        static let retransmission = Flags(rawValue: 8)
    }

    /// An empty plaintext: a sign of life, nothing more.
    case keepAlive
    case data(sequenceNumber: UInt32, payload: UnsafeRawBufferPointer)
    case acknowledgement(Acknowledgement)

    struct Acknowledgement {
        /// The last segment received without a gap; 0 also means that there is none.
        var lastInOrder: UInt32
        /// How many segments may be in flight.
        var window: UInt32
        /// The reference writes four bytes where its specification has three.
        var hasFourByteWindow: Bool
        /// The segment that is acknowledged.
        var acknowledged: UInt32
    }

    static let dataHeaderLength = 6
    /// Bytes of an acknowledgement in the specification's form, the one we send.
    static let acknowledgementLength = 13

    /// Takes a decrypted plaintext apart; `nil` when it is no segment.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Segment? {
        if bytes.isEmpty { return .keepAlive }
        guard bytes.count >= dataHeaderLength else { return nil }
        let offset = Int(bytes[0])
        guard offset >= dataHeaderLength, offset <= bytes.count else { return nil }
        let sequenceNumber = UInt32(
            bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        guard Flags(rawValue: bytes[1]).contains(.acknowledgement) else {
            return .data(
                sequenceNumber: sequenceNumber,
                payload: UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        }
        let windowLength = offset - dataHeaderLength
        guard (1...4).contains(windowLength), bytes.count >= offset + 4 else { return nil }
        var window: UInt32 = 0
        for byte in bytes[dataHeaderLength..<offset] { window = window << 8 | UInt32(byte) }
        return .acknowledgement(
            Acknowledgement(
                lastInOrder: sequenceNumber, window: window,
                hasFourByteWindow: windowLength == 4,
                acknowledged: UInt32(
                    bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
    }

    /// Writes the header of a data segment; the payload follows at `dataHeaderLength`.
    @inline(__always)
    static func writeDataHeader(
        sequenceNumber: UInt32, flags: Flags, to buffer: UnsafeMutableRawBufferPointer
    ) {
        buffer[0] = UInt8(dataHeaderLength)
        buffer[1] = flags.rawValue
        buffer.storeBytes(of: sequenceNumber.bigEndian, toByteOffset: 2, as: UInt32.self)
    }

    /// Writes an acknowledgement; `acknowledgementLength` bytes.
    @inline(__always)
    static func writeAcknowledgement(
        lastInOrder: UInt32, window: UInt32, acknowledged: UInt32,
        to buffer: UnsafeMutableRawBufferPointer
    ) {
        buffer[0] = 9
        buffer[1] = Flags.acknowledgement.rawValue
        buffer.storeBytes(of: lastInOrder.bigEndian, toByteOffset: 2, as: UInt32.self)
        buffer[6] = UInt8(truncatingIfNeeded: window >> 16)
        buffer[7] = UInt8(truncatingIfNeeded: window >> 8)
        buffer[8] = UInt8(truncatingIfNeeded: window)
        buffer.storeBytes(of: acknowledged.bigEndian, toByteOffset: 9, as: UInt32.self)
    }
}
