/// One element of the plaintext of an extended packet. Payloads point into the plaintext.
enum Frame {
    /// A run of zero bytes of any length.
    case padding
    /// Asks for an acknowledgement, nothing else.
    case ping
    case acknowledgement(AcknowledgementFrame)
    /// The connection ends at once.
    case reset(code: UInt64)
    case pathChallenge(UInt64)
    case pathResponse(UInt64)
    /// The stream offset up to which the receiver of this frame may send.
    case window(maximum: UInt64)
    /// The application of the sender of this frame has confirmed everything before the offset.
    case delivered(upTo: UInt64)
    /// An unreliable message.
    case datagram(UnsafeRawBufferPointer)
    /// Bytes of the stream from `offset`; `isFinal` when the stream ends with them.
    case stream(offset: UInt64, payload: UnsafeRawBufferPointer, isFinal: Bool)

    /// The first byte of each frame.
    enum Kind {
        static let padding: UInt8 = 0x00
        static let ping: UInt8 = 0x01
        static let acknowledgement: UInt8 = 0x02
        static let acknowledgementWithECN: UInt8 = 0x03
        static let reset: UInt8 = 0x04
        static let pathChallenge: UInt8 = 0x05
        static let pathResponse: UInt8 = 0x06
        static let window: UInt8 = 0x07
        static let datagram: UInt8 = 0x08
        static let datagramWithLength: UInt8 = 0x09
        static let delivered: UInt8 = 0x0a
        /// The first of four: `finalBit` and `lengthBit` may be added.
        static let stream: UInt8 = 0x10
        static let finalBit: UInt8 = 0x01
        static let lengthBit: UInt8 = 0x02
    }

    /// Whether a packet with this frame must be acknowledged (RFC 9000 §13.2).
    var isAckEliciting: Bool {
        switch self {
        case .padding, .acknowledgement: false
        default: true
        }
    }
}

/// Why the rest of a packet cannot be read. What came before it counts.
enum FrameError: Error, Equatable {
    /// The packet ends inside a frame.
    case truncated
    /// No frame begins with this byte.
    case unknownKind(UInt8)
    /// An acknowledgement has more ranges than `AcknowledgedRanges.maximumCount`.
    case tooManyRanges
    /// An acknowledged range begins below packet number 0.
    case rangeBelowZero
    /// The stream would be longer than 2⁶² - 1 bytes.
    case offsetTooLarge
}

/// Takes a plaintext apart, frame by frame, without copying or allocating anything.
///
/// The plaintext must stay where it is as long as a frame of it is used.
struct FrameReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ plaintext: UnsafeRawBufferPointer) {
        bytes = plaintext
    }

    /// The next frame, `nil` at the end, and after an error too.
    @inline(__always)
    mutating func next() throws(FrameError) -> Frame? {
        guard position < bytes.count else { return nil }
        let kind = bytes[position]
        // Nearly every packet holds one stream frame: no jump table for that.
        guard kind & ~(Frame.Kind.finalBit | Frame.Kind.lengthBit) == Frame.Kind.stream else {
            return try readControl(kind)
        }
        position &+= 1
        let offset = try readInteger()
        let payload = kind & Frame.Kind.lengthBit == 0 ? takeRest() : try readPayload()
        guard offset &+ UInt64(payload.count) <= VariableLengthInteger.maximum else {
            throw fail(.offsetTooLarge)
        }
        return .stream(
            offset: offset, payload: payload, isFinal: kind & Frame.Kind.finalBit != 0)
    }

    @inline(never)
    private mutating func readControl(_ kind: UInt8) throws(FrameError) -> Frame {
        position &+= 1
        switch kind {
        case Frame.Kind.padding:
            skipZeros()
            return .padding
        case Frame.Kind.ping:
            return .ping
        case Frame.Kind.acknowledgement:
            return .acknowledgement(try readAcknowledgement(hasECN: false))
        case Frame.Kind.acknowledgementWithECN:
            return .acknowledgement(try readAcknowledgement(hasECN: true))
        case Frame.Kind.reset:
            return .reset(code: try readInteger())
        case Frame.Kind.pathChallenge:
            return .pathChallenge(try readWord())
        case Frame.Kind.pathResponse:
            return .pathResponse(try readWord())
        case Frame.Kind.window:
            return .window(maximum: try readInteger())
        case Frame.Kind.delivered:
            return .delivered(upTo: try readInteger())
        case Frame.Kind.datagram:
            return .datagram(takeRest())
        case Frame.Kind.datagramWithLength:
            return .datagram(try readPayload())
        default:
            throw fail(.unknownKind(kind))
        }
    }

    private mutating func readAcknowledgement(
        hasECN: Bool
    ) throws(FrameError) -> AcknowledgementFrame {
        let largest = try readInteger()
        let delay = try readInteger()
        let additional = try readInteger()
        guard additional < UInt64(AcknowledgedRanges.maximumCount) else {
            throw fail(.tooManyRanges)
        }
        let start = position
        var smallest = largest
        // Each length counts the packets below the first of its range, and each gap one less than
        // the missing packets before it (RFC 9000 §19.3.1).
        for index in 0...additional {
            let gap = index == 0 ? 0 : try readInteger() &+ 2
            let length = try readInteger()
            guard gap &+ length <= smallest else { throw fail(.rangeBelowZero) }
            smallest &-= gap &+ length
        }
        let ranges = AcknowledgedRanges(
            largest: largest, count: Int(additional) + 1,
            encoded: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
        var ecn: ECNCounts?
        if hasECN {
            ecn = ECNCounts(
                ect0: try readInteger(), ect1: try readInteger(), ce: try readInteger())
        }
        return AcknowledgementFrame(
            delay: .microseconds(Int64(min(delay, AcknowledgementFrame.maximumDelay))),
            ranges: ranges, ecn: ecn)
    }

    // MARK: Fields

    @inline(__always)
    private mutating func readInteger() throws(FrameError) -> UInt64 {
        guard let value = VariableLengthInteger.read(bytes, at: &position) else {
            throw fail(.truncated)
        }
        return value
    }

    /// Eight bytes whose meaning is their sender's alone.
    private mutating func readWord() throws(FrameError) -> UInt64 {
        guard bytes.count - position >= 8 else { throw fail(.truncated) }
        defer { position &+= 8 }
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    private mutating func readPayload() throws(FrameError) -> UnsafeRawBufferPointer {
        let length = try readInteger()
        guard length <= UInt64(bytes.count &- position) else { throw fail(.truncated) }
        let end = position &+ Int(length)
        defer { position = end }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }

    @inline(__always)
    private mutating func takeRest() -> UnsafeRawBufferPointer {
        defer { position = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[position...])
    }

    /// By words, because a probe of the path's size is 65 kB of them.
    private mutating func skipZeros() {
        while bytes.count &- position >= 8,
            bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) == 0
        {
            position &+= 8
        }
        while position < bytes.count, bytes[position] == 0 { position &+= 1 }
    }

    /// Nothing behind an error can be understood.
    private mutating func fail(_ error: FrameError) -> FrameError {
        position = bytes.count
        return error
    }
}
