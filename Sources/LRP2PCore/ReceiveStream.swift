/// Puts the peer's stream together from the ranges that packets carry, in the extended protocol.
///
/// Early bytes go to their place in the ring at once: the window that was told to the peer is room
/// that is there. Only which ranges they are is remembered.
struct ReceiveStream: Sendable {
    /// Ranges that may wait for a gap before them. A packet that would make more is not
    /// acknowledged, so that the peer sends it again when the gaps are fewer. A window of many
    /// packets has many of which some are lost: it may have a range for so many of its bytes.
    static let minimumEarlyRanges = 1024
    static let bytesPerEarlyRange = 4096

    enum Insertion: Equatable {
        /// This many bytes can be read now that could not before.
        case delivered(Int)
        case stored
        /// Received before.
        case duplicate
        /// No range can be remembered in addition.
        case noRoom
        /// The peer breaks the rules.
        case violation(ResetCode)
    }

    private var early = OffsetRanges()
    /// The offset at which the stream ends, once the peer has said so.
    private(set) var finalOffset: UInt64?
    /// The highest offset received.
    private var highest: UInt64 = 0
    /// The window told to the peer: it may send up to this offset.
    private(set) var toldLimit: UInt64

    init(limit: UInt64) {
        toldLimit = limit
    }

    mutating func didTell(limit: UInt64) {
        toldLimit = max(toldLimit, limit)
    }

    @inline(__always)
    mutating func insert(
        _ payload: UnsafeRawBufferPointer, at offset: UInt64, isFinal: Bool, into ring: StreamRing
    ) -> Insertion {
        let end = offset + UInt64(payload.count)
        if end > toldLimit { return .violation(.flowControl) }
        if isFinal || finalOffset != nil {
            guard noteEnd(end, isFinal: isFinal) else { return .violation(.finalSize) }
        }
        highest = max(highest, end)
        let next = ring.endPosition
        if offset == next, early.isEmpty {
            return .delivered(ring.write(payload))
        }
        return insertOutOfOrder(payload, offset: offset, end: end, next: next, into: ring)
    }

    /// Returns false when that contradicts what is known of the end (RFC 9000 §4.5).
    private mutating func noteEnd(_ end: UInt64, isFinal: Bool) -> Bool {
        if let finalOffset { return isFinal ? end == finalOffset : end <= finalOffset }
        guard end >= highest else { return false }
        finalOffset = end
        return true
    }

    private mutating func insertOutOfOrder(
        _ payload: UnsafeRawBufferPointer, offset: UInt64, end: UInt64, next: UInt64,
        into ring: StreamRing
    ) -> Insertion {
        if end <= next { return payload.isEmpty && offset == next ? .delivered(0) : .duplicate }
        if offset > next {
            let maximum = max(Self.minimumEarlyRanges, ring.limit / Self.bytesPerEarlyRange)
            guard early.count < maximum || early.contains(offset) else {
                return .noRoom
            }
            guard early.insert(offset..<end) > 0 else { return .duplicate }
            ring.place(payload, at: offset)
            return .stored
        }
        ring.place(
            UnsafeRawBufferPointer(rebasing: payload[Int(next - offset)...]), at: next)
        early.insert(next..<end)
        let complete = early.first?.upperBound ?? end
        early.removeFirst(upTo: complete)
        ring.advanceEnd(to: complete)
        return .delivered(Int(complete - next))
    }

    /// Whether everything up to the end has been delivered into the ring.
    func isComplete(_ ring: StreamRing) -> Bool {
        finalOffset.map { $0 == ring.endPosition } ?? false
    }
}
