/// Writes frames into the plaintext of a packet, one behind the other.
///
/// Each method returns whether the frame fitted, and writes nothing when it did not. A frame
/// without a length goes on to the end of the packet: after it, nothing fits any more.
struct FrameWriter {
    /// Ranges in an acknowledgement. The number of all but the first is then a single byte, which
    /// is filled in when it is known how many had room.
    static let maximumRanges = 64

    private let buffer: UnsafeMutableRawBufferPointer
    /// Bytes written.
    private(set) var count = 0
    private var capacity: Int

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.buffer = buffer
        capacity = buffer.count
    }

    /// Bytes that further frames may take.
    var remaining: Int { capacity - count }

    // MARK: Frames of fixed form

    mutating func writePing() -> Bool {
        guard remaining >= 1 else { return false }
        put(Frame.Kind.ping)
        return true
    }

    mutating func writeReset(code: UInt64) -> Bool {
        write(Frame.Kind.reset, code)
    }

    /// - Parameter maximum: the offset up to which the peer may send, at most 2⁶² - 1.
    mutating func writeWindow(maximum: UInt64) -> Bool {
        write(Frame.Kind.window, maximum)
    }

    /// - Parameter offset: what the application has confirmed, at most 2⁶² - 1.
    mutating func writeDelivered(upTo offset: UInt64) -> Bool {
        write(Frame.Kind.delivered, offset)
    }

    mutating func writePathChallenge(_ data: UInt64) -> Bool {
        writeWord(Frame.Kind.pathChallenge, data)
    }

    mutating func writePathResponse(_ data: UInt64) -> Bool {
        writeWord(Frame.Kind.pathResponse, data)
    }

    /// Fills up with PADDING until `count` is `length`; false, and nothing happens, when the
    /// buffer is shorter or that much is written already.
    mutating func padding(to length: Int) -> Bool {
        guard length >= count, length <= capacity else { return false }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count..<length])
            .initializeMemory(as: UInt8.self, repeating: Frame.Kind.padding)
        count = length
        return true
    }

    // MARK: Acknowledgements

    /// Acknowledges the newest of `packets`: as many ranges as there is room for, at most
    /// `maximumRanges`. False when there is none to acknowledge.
    mutating func writeAcknowledgement(
        _ packets: OffsetRanges, delay: Interval, ecn: ECNCounts?
    ) -> Bool {
        guard let newest = packets.last else { return false }
        let largest = newest.upperBound - 1
        let firstLength = largest - newest.lowerBound
        let microseconds = UInt64(max(0, delay.nanoseconds) / 1000)
        let room = capacity - (ecn.map(Self.length(of:)) ?? 0)
        let countPosition = count + 1 + VariableLengthInteger.length(of: largest)
            + VariableLengthInteger.length(of: microseconds)
        guard room > countPosition + VariableLengthInteger.length(of: firstLength) else {
            return false
        }
        put(ecn == nil ? Frame.Kind.acknowledgement : Frame.Kind.acknowledgementWithECN)
        put(largest)
        put(microseconds)
        put(UInt8(0))
        put(firstLength)
        var additional: UInt8 = 0
        var edge = newest.lowerBound
        var index = packets.count - 1
        while index > 0, Int(additional) < Self.maximumRanges - 1 {
            index -= 1
            let range = packets[index]
            let gap = edge - range.upperBound - 1
            let length = range.upperBound - range.lowerBound - 1
            guard room - count >= VariableLengthInteger.length(of: gap)
                + VariableLengthInteger.length(of: length)
            else { break }
            put(gap)
            put(length)
            edge = range.lowerBound
            additional += 1
        }
        buffer[countPosition] = additional
        if let ecn {
            put(ecn.ect0)
            put(ecn.ect1)
            put(ecn.ce)
        }
        return true
    }

    private static func length(of counts: ECNCounts) -> Int {
        VariableLengthInteger.length(of: counts.ect0)
            + VariableLengthInteger.length(of: counts.ect1)
            + VariableLengthInteger.length(of: counts.ce)
    }

    // MARK: Frames with a payload

    /// Bytes of a stream frame before its payload.
    @inline(__always)
    static func streamHeaderLength(offset: UInt64) -> Int {
        1 + VariableLengthInteger.length(of: offset)
    }

    /// Begins the packet's last frame: stream bytes from `offset` to the end of the packet.
    ///
    /// Returns the room for them, which may be empty; the caller fills a prefix of it and says with
    /// `endStream` how long that is. `nil` when not even the header fits.
    @inline(__always)
    mutating func beginStream(offset: UInt64, isFinal: Bool) -> UnsafeMutableRawBufferPointer? {
        guard remaining >= Self.streamHeaderLength(offset: offset) else { return nil }
        put(isFinal ? Frame.Kind.stream | Frame.Kind.finalBit : Frame.Kind.stream)
        put(offset)
        return UnsafeMutableRawBufferPointer(rebasing: buffer[count..<capacity])
    }

    /// Ends the frame and the packet after the payload's `length` bytes.
    @inline(__always)
    mutating func endStream(length: Int) {
        precondition(length >= 0 && length <= remaining, "the payload exceeds its room")
        count &+= length
        capacity = count
    }

    /// - Parameter isLast: whether the packet ends with this frame, which then needs no length.
    mutating func writeDatagram(_ payload: UnsafeRawBufferPointer, isLast: Bool = true) -> Bool {
        let length = UInt64(payload.count)
        let header = isLast ? 1 : 1 + VariableLengthInteger.length(of: length)
        guard remaining >= header + payload.count else { return false }
        put(isLast ? Frame.Kind.datagram : Frame.Kind.datagramWithLength)
        if !isLast { put(length) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: payload)
        count += payload.count
        if isLast { capacity = count }
        return true
    }

    // MARK: Fields

    private mutating func write(_ kind: UInt8, _ value: UInt64) -> Bool {
        guard remaining >= 1 + VariableLengthInteger.length(of: value) else { return false }
        put(kind)
        put(value)
        return true
    }

    private mutating func writeWord(_ kind: UInt8, _ word: UInt64) -> Bool {
        guard remaining >= 9 else { return false }
        put(kind)
        buffer.storeBytes(of: word.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
        return true
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        buffer[count] = byte
        count &+= 1
    }

    /// The caller has made sure that there is room.
    @inline(__always)
    private mutating func put(_ value: UInt64) {
        guard let base = buffer.baseAddress else { return }
        count &+= VariableLengthInteger.write(value, to: base + count)
    }
}
