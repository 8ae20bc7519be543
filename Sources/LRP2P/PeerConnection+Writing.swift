extension PeerConnection {
    /// What is under way: from the first byte the peer has not acknowledged to the last one
    /// accepted from the application. Offsets count the bytes of the stream from 0.
    public var sendRange: Range<UInt64> {
        let start = sendRing.startPosition
        return start..<sendRing.endPosition
    }

    /// How many bytes can be accepted now and not yet acknowledged by the peer. It grows with what
    /// the path takes.
    public var sendBufferBytes: Int { sendRing.limit }

    /// Appends all bytes to the send buffer, waiting for room as needed. Returns when the last one
    /// is in the buffer; ``waitAcknowledged(upTo:deadline:)`` tells when the peer has them.
    ///
    /// Concurrent writes take turns, in no particular order, so their bytes never interleave. When
    /// it throws, a first part may have been taken, and will be sent: as many bytes as the upper
    /// bound of ``sendRange`` has grown by since this write had its turn, nothing if it had none
    /// yet.
    public func write(
        _ bytes: [UInt8], deadline: ContinuousClock.Instant? = nil
    ) async throws(WriteError) {
        try await beginWriting(deadline: deadline)
        defer { endWriting() }
        var offset = 0
        while true {
            if let reason = closeReason { throw .closed(reason) }
            let taken = bytes.withUnsafeBytes {
                sendRing.write(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            if taken > 0 { notify(.written) }
            offset += taken
            guard offset < bytes.count else { return }
            try await waitForRoom(bytes.count - offset, deadline: deadline)
        }
    }

    /// Appends what fits now and returns how much that was. Does not wait: 0 when the buffer is
    /// full or another task is in the middle of a write.
    public func writeSome(_ bytes: UnsafeRawBufferPointer) throws(WriteError) -> Int {
        if let error = writeObstacle { throw error }
        guard takeTurn() else { return 0 }
        let taken = sendRing.write(bytes)
        endWriting()
        if taken > 0 { notify(.written) }
        return taken
    }

    /// Waits until ``writeSome(_:)`` would take at least one byte.
    public func waitWritable(deadline: ContinuousClock.Instant? = nil) async throws(WriteError) {
        while true {
            if let error = writeObstacle { throw error }
            let turns = writerTurns.reached
            if writer.withLock({ $0.isWriting }) {
                try await wait(writerTurns, until: turns + 1, deadline: deadline)
            } else if sendRing.freeBytes == 0 {
                try await waitForRoom(1, deadline: deadline)
            } else {
                return
            }
        }
    }

    /// Waits until everything before `offset` has left for the peer at least once; it notices some
    /// milliseconds later. Whether it arrives is another matter.
    public func waitSent(
        upTo offset: UInt64, deadline: ContinuousClock.Instant? = nil
    ) async throws(WriteError) {
        while true {
            let reason = closeReason
            if sent.reached >= offset { return }
            if let reason { throw .closed(reason) }
            try await wait(sent, until: offset, deadline: deadline)
        }
    }

    /// Waits until the peer has acknowledged everything before `offset`.
    ///
    /// To its transport, that is: whether the peer's application has read it, only the application
    /// can tell.
    public func waitAcknowledged(
        upTo offset: UInt64, deadline: ContinuousClock.Instant? = nil
    ) async throws(WriteError) {
        while true {
            let reason = closeReason
            if sendRing.startPosition >= offset { return }
            if let reason { throw .closed(reason) }
            try await wait(acknowledged, until: offset, deadline: deadline)
        }
    }

    /// Waits until the peer has acknowledged everything written so far, and after
    /// ``finishWriting()`` the end of the stream too.
    public func drain(deadline: ContinuousClock.Instant? = nil) async throws(WriteError) {
        guard isExtended, isWritingFinished else {
            return try await waitAcknowledged(upTo: sendRange.upperBound, deadline: deadline)
        }
        while true {
            let reason = closeReason, end = sendRing.endPosition
            // No byte is beyond the end: only the end of the stream can be.
            if acknowledged.reached > end { return }
            if let reason { throw .closed(reason) }
            try await wait(acknowledged, until: end + 1, deadline: deadline)
        }
    }

    private var writeObstacle: WriteError? {
        if let reason = closeReason { return .closed(reason) }
        return isWritingFinished ? .finished : nil
    }

    // MARK: - The end of the stream

    /// Ends our stream after what has been written, a write that is under way included: the peer
    /// reads up to there and learns that there is no more. Its stream goes on; when both have ended
    /// the connection closes by itself (``/LRP2PCore/CloseReason/finished``). A write that begins
    /// afterwards throws ``WriteError/finished``. Idempotent, and does not wait:
    /// ``drain(deadline:)`` does.
    ///
    /// Towards a base peer, which has no word for it, it only keeps us from writing.
    public func finishWriting() {
        let isIdle = writer.withLock { writer in
            guard !writer.isFinished else { return false }
            writer.isFinished = true
            return !writer.isWriting
        }
        if isIdle { notify(.finish) }
    }

    /// ``finishWriting()`` was called.
    public var isWritingFinished: Bool { writer.withLock { $0.isFinished } }

    // MARK: - Turns and room

    private func takeTurn() -> Bool {
        writer.withLock { writer in
            guard !writer.isWriting, !writer.isFinished else { return false }
            writer.isWriting = true
            return true
        }
    }

    private func beginWriting(deadline: ContinuousClock.Instant?) async throws(WriteError) {
        while true {
            let turns = writerTurns.reached
            if takeTurn() { return }
            if let error = writeObstacle { throw error }
            try await wait(writerTurns, until: turns + 1, deadline: deadline)
        }
    }

    private func endWriting() {
        let isLast = writer.withLock { writer in
            writer.isWriting = false
            return writer.isFinished
        }
        if isLast { notify(.finish) }
        writerTurns.advance()
    }

    /// Waits until `count` bytes fit, or a good part of the buffer when that is less: a writer of
    /// much is better woken seldom.
    private func waitForRoom(
        _ count: Int, deadline: ContinuousClock.Instant?
    ) async throws(WriteError) {
        let limit = sendRing.limit
        let wanted = UInt64(min(count, limit / 4))
        let neededEnd = sendRing.endPosition + wanted
        guard neededEnd > UInt64(limit) else { return }
        try await wait(acknowledged, until: neededEnd - UInt64(limit), deadline: deadline)
    }

    private func wait(
        _ waiters: Waiters, until position: UInt64, deadline: ContinuousClock.Instant?
    ) async throws(WriteError) {
        switch await waiters.wait(until: position, deadline: deadline) {
        case .reached, .finished: return
        case .timedOut: throw .timedOut
        case .cancelled: throw .cancelled
        }
    }
}
