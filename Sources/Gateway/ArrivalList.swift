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

    private var ring: [String?]
    /// Arrivals so far; the position of the next one.
    private(set) var end: UInt64 = 0
    /// Everything before has been handed out to callers that named no position.
    private var handedOut: UInt64 = 0

    init(limit: Int) {
        ring = Array(repeating: nil, count: max(1, limit))
    }

    var earliest: UInt64 { end > UInt64(ring.count) ? end - UInt64(ring.count) : 0 }

    mutating func append(_ id: String) {
        ring[Int(end % UInt64(ring.count))] = id
        end += 1
    }

    /// The first arrival at or after `position` that `exists`. Changes nothing.
    func next(from position: UInt64, exists: (String) -> Bool) -> Lookup {
        guard position >= earliest else { return .forgotten(earliest: earliest) }
        var position = position
        while position < end {
            if let id = ring[Int(position % UInt64(ring.count))], exists(id) {
                return .found(id: id, next: position + 1)
            }
            position += 1
        }
        return .none(end: end)
    }

    /// The first arrival that has not been handed out, which it now is. Ones forgotten unasked are
    /// skipped.
    mutating func takeNext(exists: (String) -> Bool) -> Lookup {
        let result = next(from: max(handedOut, earliest), exists: exists)
        switch result {
        case .found(_, let next): handedOut = next
        case .none(let end): handedOut = end
        case .forgotten: break
        }
        return result
    }

    /// What `takeNext` would return, without handing it out.
    func peekNext(exists: (String) -> Bool) -> Lookup {
        next(from: max(handedOut, earliest), exists: exists)
    }
}
