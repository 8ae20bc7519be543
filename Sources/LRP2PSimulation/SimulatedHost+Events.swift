import LRP2PCore

// What the core tells its host, and what the applications do about it.
extension SimulatedHost {
    func handle(_ event: EndpointEvent) throws(InvariantViolation) {
        switch event {
        case .connected(let connection):
            let side = try known(connection)
            guard side.role == .initiator, !side.isEstablished else {
                throw InvariantViolation("connected, but not as a new initiator")
            }
            try establish(side)
            history.record(
                .connected(host: index, connection: side.plan), words: UInt64(index),
                UInt64(side.plan))
        case .accepted(let connection):
            guard let id = history.currentWireID, let plan = history.initiators[id]?.plan,
                  history.scenario.connections[plan].responder == index, byWireID[id] == nil
            else { throw InvariantViolation("accepted a connection that nobody opened") }
            try establish(add(connection, plan: plan, role: .responder, wireID: id))
            history.record(
                .accepted(host: index, connection: plan), words: UInt64(index), UInt64(plan))
        case .readable(let connection):
            try known(connection).reader.bytesArrived()
        case .writable(let connection):
            try known(connection).writer.roomAppeared()
        case .remoteFinished(let connection):
            let side = try known(connection)
            try side.noteRemoteFinished(twin: history.twin(of: side))
            history.record(
                .remoteFinished(host: index, connection: side.plan), words: UInt64(index),
                UInt64(side.plan))
        case .datagram:
            throw InvariantViolation("a message that nobody sent")
        case .closed(let connection, let reason):
            let side = try known(connection)
            side.closeReason = reason
            side.closedAt = history.network.now
            history.record(
                .closed(host: index, connection: side.plan, reason), words: UInt64(index),
                UInt64(side.plan))
            guard connection.isClosed else {
                throw InvariantViolation(".closed for a connection that says it is open")
            }
            try side.checkClose(
                reason, twin: history.twin(of: side), now: now,
                granularity: history.scenario.wakeGranularity)
        }
    }

    func establish(_ side: SimulatedConnection) throws(InvariantViolation) {
        guard side.connection.isExtended == side.isExtended else {
            throw InvariantViolation(side.isExtended
                ? "did not agree on the extended protocol"
                : "took the extended protocol as agreed with a peer that has none")
        }
        side.isEstablished = true
        side.lastHeard = now
    }

    func runApplications() throws(InvariantViolation) -> Bool {
        var isBusy = false
        for side in connections where !side.isLost {
            if side.isEstablished, !side.isClosed {
                let count = side.writer.run(
                    into: side.connection.sendRing, scratch: history.scratch, now: now)
                if count > 0 {
                    isBusy = true
                    endpoint.didWrite(to: side.connection, now: now)
                    history.record(
                        .wrote(host: index, connection: side.plan, bytes: count),
                        words: UInt64(index), UInt64(side.plan), UInt64(count))
                }
                if finishWriting(side) { isBusy = true }
            }
            let count = try side.reader.run(
                from: side.connection.receiveRing, scratch: history.scratch, now: now,
                elapsed: history.network.elapsed)
            if count > 0 {
                isBusy = true
                if !side.isClosed { endpoint.didRead(from: side.connection, now: now) }
                history.record(
                    .read(host: index, connection: side.plan, bytes: count),
                    words: UInt64(index), UInt64(side.plan), UInt64(count))
            }
        }
        return isBusy
    }

    private func finishWriting(_ side: SimulatedConnection) -> Bool {
        let plan = history.scenario.connections[side.plan]
        guard side.isExtended, side.writer.isFinished, !side.hasFinishedWriting,
            plan.finishes || plan.ending == .finish
        else { return false }
        side.hasFinishedWriting = true
        history.record(
            .finishing(host: index, connection: side.plan), words: UInt64(index),
            UInt64(side.plan))
        endpoint.finishWriting(side.connection, now: now)
        return true
    }

    func known(
        _ connection: Connection
    ) throws(InvariantViolation) -> SimulatedConnection {
        guard let position = byID[connection.id] else {
            throw InvariantViolation("an event of a connection that the application never saw")
        }
        let side = connections[position]
        guard !side.isClosed else { throw InvariantViolation("an event after .closed") }
        return side
    }
}
