import LRP2P

/// Datagrams on their way through a link, by the time they come out: a binary heap, whose payloads
/// lie in slots of equal size that are used again.
struct DelayLine<Route> {
    /// Datagrams under way at most; further ones are lost, as in a router without memory.
    static var limit: Int { 65_536 }
    private static var slotsPerChunk: Int { 256 }

    struct Entry {
        let due: Instant
        /// Keeps those with one due time in order.
        fileprivate let order: UInt64
        let route: Route
        let length: Int
        fileprivate let slot: Int

        fileprivate func precedes(_ other: Entry) -> Bool {
            due == other.due ? order < other.order : due < other.due
        }
    }

    private let slotBytes: Int
    private var heap: [Entry] = []
    private var chunks: [[UInt8]] = []
    private var freeSlots: [Int] = []
    private var nextOrder: UInt64 = 0

    init(slotBytes: Int) {
        self.slotBytes = slotBytes
    }

    var count: Int { heap.count }
    var first: Entry? { heap.first }

    /// Returns false when the limit is reached.
    mutating func insert(_ datagram: UnsafeRawBufferPointer, route: Route, due: Instant) -> Bool {
        precondition(datagram.count <= slotBytes)
        guard heap.count < Self.limit else { return false }
        if freeSlots.isEmpty { addChunk() }
        let slot = freeSlots.removeLast()
        withSlot(slot) { $0.copyMemory(from: datagram) }
        heap.append(Entry(
            due: due, order: nextOrder, route: route, length: datagram.count, slot: slot))
        nextOrder += 1
        siftUp()
        return true
    }

    /// Takes out the next datagram that is due, copying it to the start of `buffer`.
    mutating func popDue(
        now: Instant, into buffer: UnsafeMutableRawBufferPointer
    ) -> Entry? {
        guard let first = heap.first, first.due <= now else { return nil }
        withSlot(first.slot) {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<first.length]))
        }
        freeSlots.append(first.slot)
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return first
    }

    private mutating func addChunk() {
        let first = chunks.count * Self.slotsPerChunk
        chunks.append([UInt8](repeating: 0, count: Self.slotsPerChunk * slotBytes))
        freeSlots.append(contentsOf: (first..<first + Self.slotsPerChunk).reversed())
    }

    private mutating func withSlot(_ slot: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        let start = slot % Self.slotsPerChunk * slotBytes
        chunks[slot / Self.slotsPerChunk].withUnsafeMutableBytes {
            body(UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + slotBytes]))
        }
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
