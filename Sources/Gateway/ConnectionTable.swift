/// Which connections there are, in the order they came, and which of the closed ones are still
/// kept. A plain value without clocks or locks.
struct ConnectionTable<Entry> {
    struct Slot {
        let id: String
        /// Counts the connections of this process from 0.
        let sequence: UInt64
        let entry: Entry
        fileprivate(set) var closedAt: ContinuousClock.Instant?
    }

    private let maximumClosed: Int
    /// Whether a closed entry has to stay, however old it is.
    private let isKept: (Entry) -> Bool
    private let retention: Duration
    private var slots: [String: Slot] = [:]
    /// By rising sequence.
    private var order: [(sequence: UInt64, id: String)] = []
    /// The closed ones, the one closed first at the front.
    private var closedOrder: [String] = []
    private var nextSequence: UInt64 = 0

    init(
        maximumClosed: Int, retention: Duration,
        isKept: @escaping @Sendable (Entry) -> Bool = { _ in false }
    ) {
        self.isKept = isKept
        self.maximumClosed = maximumClosed
        self.retention = retention
    }

    var count: Int { slots.count }
    var openCount: Int { slots.count - closedOrder.count }
    var closedCount: Int { closedOrder.count }
    var all: [Slot] { order.compactMap { slots[$0.id] } }

    subscript(id: String) -> Slot? { slots[id] }

    /// Adds an open connection. False when the id is taken.
    mutating func insert(_ entry: Entry, id: String) -> Bool {
        guard slots[id] == nil else { return false }
        slots[id] = Slot(id: id, sequence: nextSequence, entry: entry)
        order.append((nextSequence, id))
        nextSequence += 1
        return true
    }

    /// Keeps a connection as a closed one. False when it is not an open one.
    mutating func markClosed(id: String, now: ContinuousClock.Instant) -> Bool {
        guard let slot = slots[id], slot.closedAt == nil else { return false }
        slots[id]?.closedAt = now
        closedOrder.append(id)
        return true
    }

    /// Drops closed connections whose time is over, and those closed first when there are too many,
    /// and returns them.
    mutating func removeExpired(now: ContinuousClock.Instant) -> [Entry] {
        var removed: [Entry] = []
        for id in closedOrder {
            guard let slot = slots[id], let closedAt = slot.closedAt else { continue }
            guard now - closedAt >= retention || closedOrder.count > maximumClosed else { break }
            guard !isKept(slot.entry) else { continue }
            remove(id: id)
            removed.append(slot.entry)
        }
        return removed
    }

    mutating func remove(id: String) {
        guard let slot = slots.removeValue(forKey: id) else { return }
        order.remove(at: index(of: slot.sequence))
        if slot.closedAt != nil { closedOrder.removeAll { $0 == id } }
    }

    /// At most `limit` connections that match, in order, from `sequence` on, and the sequence to
    /// go on from, `nil` when no other one matches.
    func page(
        from sequence: UInt64, limit: Int, where matches: (Slot) -> Bool
    ) -> (slots: [Slot], next: UInt64?) {
        var found: [Slot] = []
        for place in order[index(of: sequence)...] {
            guard let slot = slots[place.id], matches(slot) else { continue }
            if found.count == limit { return (found, slot.sequence) }
            found.append(slot)
        }
        return (found, nil)
    }

    /// Where the sequence is in `order`, or would be.
    private func index(of sequence: UInt64) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
