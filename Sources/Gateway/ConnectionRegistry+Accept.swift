import LRP2P

extension ConnectionRegistry {
    struct Arrival {
        /// `nil` when none came in time.
        let connection: RegisteredConnection?
        /// The position to ask from next.
        let next: UInt64
    }

    /// How to choose the next inbound connection.
    enum ArrivalChoice {
        /// The first one from a position on; changes nothing.
        case from(UInt64)
        /// The first one not handed out yet, which it is then.
        case take
        /// What `take` would choose.
        case peek
    }

    /// The next inbound connection there is now.
    ///
    /// - Parameter peer: only of this one, if given.
    func nextArrival(
        _ choice: ArrivalChoice, from peer: String?
    ) throws(GatewayError) -> Arrival {
        let (lookup, connection) = lookUpArrival(choice, from: peer)
        switch lookup {
        case .found(_, let next): return Arrival(connection: connection, next: next)
        case .none(let end): return Arrival(connection: nil, next: end)
        case .forgotten(let earliest):
            let cursor = Cursor(epoch: arrivalEpoch, position: earliest)
            throw .state(.offsetTrimmed(field: "after", earliest: cursor))
        }
    }

    /// The next inbound connection, waiting for one until the deadline. Of no use
    /// when the task is cancelled.
    func waitForArrival(
        _ choice: ArrivalChoice, from peer: String?, deadline: ContinuousClock.Instant
    ) async throws(GatewayError) -> Arrival {
        while true {
            let generation = arrivalWaiters.generation
            // One must not be handed out to a client that has left.
            let arrival = try nextArrival(Task.isCancelled ? .peek : choice, from: peer)
            let isOver = Task.isCancelled || ContinuousClock.now >= deadline
            if arrival.connection != nil || isOver { return arrival }
            await arrivalWaiters.wait(whileGeneration: generation, deadline: deadline)
        }
    }
}
