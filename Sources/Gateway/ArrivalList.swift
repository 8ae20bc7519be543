/// The ids of inbound connections in the order they came, the latest `limit` of them. A plain
/// value.
struct ArrivalList {
    enum Lookup: Equatable {
        /// The arrival and the position after it.
        case found(id: String, next: UInt64)
        /// None yet; `end` is the position to wait at.
        case none(end: UInt64)
        /// The position is not remembered any more.
        case forgotten(earliest: UInt64)
    }

    private struct Entry {
        let id: String
        /// Handed out to a caller that named no position.
        var isTaken = false
    }

    private var ring: [Entry?]
    /// Arrivals so far; the position of the next one.
    private(set) var end: UInt64 = 0

    init(limit: Int) {
        ring = Array(repeating: nil, count: max(1, limit))
    }

    var earliest: UInt64 { end > UInt64(ring.count) ? end - UInt64(ring.count) : 0 }

    mutating func append(_ id: String) {
        ring[slot(end)] = Entry(id: id)
        end += 1
    }

    /// The first arrival at or after `position` that is wanted. Changes nothing.
    func next(from position: UInt64, where isWanted: (String) -> Bool) -> Lookup {
        find(from: position) { isWanted($0.id) }
    }

    /// The first arrival that is wanted and has not been handed out, which it now is. Ones forgotten
    /// unasked are skipped.
    mutating func takeNext(where isWanted: (String) -> Bool) -> Lookup {
        let result = peekNext(where: isWanted)
        if case .found(_, let next) = result { ring[slot(next - 1)]?.isTaken = true }
        return result
    }

    /// What `takeNext` would return, without handing it out.
    func peekNext(where isWanted: (String) -> Bool) -> Lookup {
        find(from: earliest) { !$0.isTaken && isWanted($0.id) }
    }

    private func find(from position: UInt64, where isWanted: (Entry) -> Bool) -> Lookup {
        guard position >= earliest else { return .forgotten(earliest: earliest) }
        var position = position
        while position < end {
            if let entry = ring[slot(position)], isWanted(entry) {
                return .found(id: entry.id, next: position + 1)
            }
            position += 1
        }
        return .none(end: end)
    }

    private func slot(_ position: UInt64) -> Int { Int(position % UInt64(ring.count)) }
}
