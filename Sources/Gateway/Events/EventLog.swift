import Synchronization

/// What has happened to the connections of this process, the latest of it. Safe to use from any
/// task.
final class EventLog: Sendable {
    struct Page: Sendable {
        /// Each with the position after it.
        let events: [(event: ConnectionEvent, next: UInt64)]
        /// The position to go on from.
        let next: UInt64
    }

    let epoch = Epoch.random()
    /// Least time between two events that tell of data on one connection.
    let dataInterval: Duration
    private let ring: Mutex<EventRing<ConnectionEvent>>
    private let arrivals = WaitList()

    init(limits: GatewayLimits) {
        dataInterval = limits.dataEventInterval
        ring = Mutex(EventRing(limit: limits.maximumRememberedEvents))
    }

    /// The position of the next event.
    var end: UInt64 { ring.withLock { $0.end } }

    func cursor(_ position: UInt64) -> Cursor { Cursor(epoch: epoch, position: position) }

    /// Wakes everyone who waits for events: not for the network thread.
    func append(_ event: ConnectionEvent) {
        ring.withLock { $0.append(event) }
        arrivals.wakeAll()
    }

    /// What is there from a position on.
    func page(
        from position: UInt64, limit: Int, field: String = "after"
    ) throws(GatewayError) -> Page {
        let (events, earliest) = ring.withLock {
            ($0.events(from: position, maximum: limit), $0.earliest)
        }
        guard let events else {
            throw .state(.eventsMissed(field: field, earliest: cursor(earliest)))
        }
        let numbered = events.enumerated().map { ($1, position + UInt64($0) + 1) }
        return Page(events: numbered, next: position + UInt64(events.count))
    }

    /// The same, waiting for one event until the deadline or until the task is cancelled. None
    /// when there is none by then.
    func waitForPage(
        from position: UInt64, limit: Int, deadline: ContinuousClock.Instant
    ) async throws(GatewayError) -> Page {
        while true {
            let generation = arrivals.generation
            let page = try page(from: position, limit: limit)
            let isOver = Task.isCancelled || ContinuousClock.now >= deadline
            if !page.events.isEmpty || isOver { return page }
            await arrivals.wait(whileGeneration: generation, deadline: deadline)
        }
    }

    /// The position that a cursor means.
    func position(of cursor: Cursor, field: String) throws(GatewayError) -> UInt64 {
        // Any page of another epoch has been missed.
        guard cursor.epoch == epoch else {
            let earliest = ring.withLock { $0.earliest }
            throw .state(.eventsMissed(field: field, earliest: self.cursor(earliest)))
        }
        return try page(from: cursor.position, limit: 0, field: field).next
    }
}
