/// Puts received segments into order and hands their bytes to the stream.
///
/// In-order bytes go straight to the ring; segments that arrive early wait in memory of their own
/// that counts against the ring's free room, because that is where they will go.
struct ReceiveAssembler: ~Copyable {
    enum Insertion: Equatable {
        /// The stream has grown by this many bytes (0 for an empty segment).
        case delivered(Int)
        /// Kept until the gap before it is filled.
        case stored
        /// Received before.
        case duplicate
        /// Not kept: the peer must send it again.
        case noRoom
    }

    private let ring: StreamRing
    private var early: SequenceRing<UnsafeMutableRawBufferPointer?>
    private var earlyCount = 0
    private var earlyBytes = 0

    init(ring: StreamRing, initialSequenceNumber: UInt32) {
        self.ring = ring
        early = SequenceRing(
            start: UInt64(initialSequenceNumber), filler: nil, initialCapacity: 1)
    }

    deinit {
        for position in early.start..<early.end { early[position]?.deallocate() }
    }

    /// The first segment that has not been received.
    var nextExpected: UInt64 { early.start }

    /// Bytes that can still be taken, beyond what already waits for a gap.
    private var freeBytes: Int { ring.freeBytes - earlyBytes }

    /// How many further full segments fit: the window to tell the peer.
    var window: Int {
        min(max(0, freeBytes) / WireFormat.maximumPayload, WireFormat.maximumWindow)
    }

    /// The window of an empty buffer of the present size.
    var largestWindow: Int {
        min(ring.limit / WireFormat.maximumPayload, WireFormat.maximumWindow)
    }

    mutating func insert(_ position: UInt64, _ payload: UnsafeRawBufferPointer) -> Insertion {
        let expected = nextExpected
        if position < expected { return .duplicate }
        if position == expected {
            // One that was kept early would have been delivered with its predecessor.
            guard freeBytes >= payload.count else { return .noRoom }
            return .delivered(deliver(payload))
        }
        let furthest = max(Int(WireFormat.maximumOutstandingSegments), largestWindow)
        guard position - expected < UInt64(furthest) else { return .noRoom }
        if position < early.end, early[position] != nil { return .duplicate }
        // A peer that ignores the window must not fill the room that the gaps before this segment
        // need: nothing could be delivered any more.
        let span = Int(max(early.end, position + 1) - expected)
        let gaps = span - earlyCount - 1
        guard freeBytes - payload.count >= gaps * WireFormat.maximumPayload else { return .noRoom }
        store(position, payload)
        return .stored
    }

    private mutating func store(_ position: UInt64, _ payload: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: payload.count, alignment: 1)
        copy.copyMemory(from: payload)
        early.extend(to: position + 1)
        early[position] = copy
        earlyCount += 1
        earlyBytes += payload.count
    }

    /// Delivers the expected segment and every kept one that follows without a gap.
    private mutating func deliver(_ payload: UnsafeRawBufferPointer) -> Int {
        var delivered = ring.write(payload)
        early.extend(to: early.start + 1)
        _ = early.removeFirst()
        while !early.isEmpty, let next = early[early.start] {
            delivered += ring.write(UnsafeRawBufferPointer(next))
            earlyCount -= 1
            earlyBytes -= next.count
            next.deallocate()
            _ = early.removeFirst()
        }
        return delivered
    }
}
