import LRP2P

/// The steps to the end, in this order: drain, shut down, flush.
extension Gateway {
    /// The process is not ready any more, connects to no peer and lets none in: one that connects
    /// is told at once that it is closed. Every other request is served as before.
    public func beginDraining() {
        context.beginDraining()
    }

    /// Waits until no peer is connected, or for the deadline or cancellation.
    public func waitUntilNoneOpen(deadline: ContinuousClock.Instant) async {
        await context.registry.waitUntilNoneOpen(deadline: deadline)
    }

    /// Refuses new requests, but for those that tell how the shutdown goes. Requests that wait are
    /// ended by the server, which cancels their tasks.
    public func beginShutdown() {
        context.beginDraining()
        context.beginStopping()
    }

    /// Waits until everything that has arrived is in the spool, and closes that. To be called when
    /// the socket has been closed.
    public func closeSpool() async {
        guard let spool = context.spool else { return }
        // A disk that fails is not waited for: what it has not taken, no peer was told of.
        if spool.failure == nil {
            for connection in context.registry.all { await connection.waitUntilKept() }
        }
        await spool.close()
    }

    /// What was accepted and never acknowledged by its peer.
    public struct Undelivered: Equatable, Sendable {
        /// Connections with such bytes.
        public var connections = 0
        /// Bytes of all of them.
        public var bytes: UInt64 = 0

        public init() {}
    }

    /// Ends the streams of all open connections, and waits until the peers have acknowledged
    /// everything that was accepted for them, and the ends. Returns what they had not at the
    /// deadline, or when they closed meanwhile.
    public func flush(deadline: ContinuousClock.Instant) async -> Undelivered {
        await withTaskGroup(of: UInt64.self, returning: Undelivered.self) { group in
            for connection in context.registry.all where !connection.isClosed {
                guard let transport = connection.transport else { continue }
                group.addTask {
                    transport.finishWriting()
                    // What is left says how it went.
                    try? await transport.drain(deadline: deadline)
                    let rest = transport.sendRange
                    return rest.upperBound - rest.lowerBound
                }
            }
            var undelivered = Undelivered()
            for await bytes in group where bytes > 0 {
                undelivered.connections += 1
                undelivered.bytes += bytes
            }
            return undelivered
        }
    }
}
