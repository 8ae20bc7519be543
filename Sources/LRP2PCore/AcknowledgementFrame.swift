/// The packets that the peer has received (RFC 9000 §19.3).
struct AcknowledgementFrame {
    /// Microseconds from which on a delay no longer fits our clock; longer ones become this.
    static let maximumDelay: UInt64 = UInt64(Int64.max) / 1000

    /// How long the peer has waited with this since the largest number arrived. Unchecked: what is
    /// beyond the delay it has promised is not to be believed (RFC 9002 §5.3).
    let delay: Interval
    let ranges: AcknowledgedRanges
    let ecn: ECNCounts?

    var largest: UInt64 { ranges.largest }
}

/// Ranges of packet numbers as they stand in a packet, decoded while they are walked through.
///
/// They were checked when the frame was read: descending, disjoint, not adjacent, none below 0.
/// Valid as long as the packet's bytes are.
struct AcknowledgedRanges: Sequence {
    /// Ranges that a frame may have; four times what we send.
    static let maximumCount = 256

    let largest: UInt64
    /// At least 1.
    let count: Int
    fileprivate let encoded: UnsafeRawBufferPointer

    init(largest: UInt64, count: Int, encoded: UnsafeRawBufferPointer) {
        self.largest = largest
        self.count = count
        self.encoded = encoded
    }

    @inline(__always)
    func makeIterator() -> Iterator { Iterator(self) }

    /// From the newest range down.
    struct Iterator: IteratorProtocol {
        private let encoded: UnsafeRawBufferPointer
        private var position = 0
        private var left: Int
        /// Where the next range would end if its gap were -2.
        private var edge: UInt64

        fileprivate init(_ ranges: AcknowledgedRanges) {
            encoded = ranges.encoded
            left = ranges.count
            edge = ranges.largest
        }

        @inline(__always)
        mutating func next() -> ClosedRange<UInt64>? {
            guard left > 0 else { return nil }
            left &-= 1
            if position > 0 {
                guard let gap = VariableLengthInteger.read(encoded, at: &position) else {
                    return nil
                }
                edge &-= gap &+ 2
            }
            guard let length = VariableLengthInteger.read(encoded, at: &position) else {
                return nil
            }
            let upper = edge
            edge &-= length
            return ClosedRange(uncheckedBounds: (edge, upper))
        }
    }
}
