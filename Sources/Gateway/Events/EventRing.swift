/// The latest `limit` of a sequence of events. A plain value.
///
/// A position is how many events lie before it, so the one after the last is ``end``.
struct EventRing<Event> {
    private let limit: Int
    private var events: [Event] = []
    /// Events so far.
    private(set) var end: UInt64 = 0

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Where what is remembered begins.
    var earliest: UInt64 { end - UInt64(events.count) }

    mutating func append(_ event: Event) {
        if events.count < limit {
            events.append(event)
        } else {
            events[Int(end % UInt64(limit))] = event
        }
        end += 1
    }

    /// The first events from a position on, `maximum` at most; `nil` when the position is one that
    /// is forgotten or has never been.
    func events(from position: UInt64, maximum: Int) -> [Event]? {
        guard (earliest...end).contains(position) else { return nil }
        let count = min(UInt64(max(0, maximum)), end - position)
        return (position..<position + count).map { events[Int($0 % UInt64(limit))] }
    }
}
