extension PeerConnection {
    /// What is here: from the first byte that has not been acknowledged to the last received one.
    ///
    /// Offsets count the bytes of the stream from 0.
    public var receivedRange: Range<UInt64> {
        consumer.withLock { _ in receiveRing.startPosition..<receivedEnd }
    }

    /// Takes at least one byte, as soon as there is one; none once the peer has ended its stream and
    /// all of it was read. After the connection has closed: what is left, then throws
    /// ``ReadError/closed(_:)``, unless the stream was complete.
    ///
    /// Nothing is taken when it throws.
    ///
    /// - Parameters:
    ///   - maxBytes: with 0 or less it takes nothing, at once.
    ///   - deadline: how long to wait for the first byte.
    public func read(
        maxBytes: Int, deadline: ContinuousClock.Instant? = nil
    ) async throws(ReadError) -> [UInt8] {
        guard maxBytes > 0 else { return [] }
        while true {
            // The reason first: the end does not move after it, so no byte is missed in between.
            let reason = closeReason, isComplete = isRemoteFinished
            let (bytes, end) = consumer.withLock { _ in
                let start = receiveRing.startPosition
                let bytes = copy(from: start, maxBytes: maxBytes)
                let end = start + UInt64(bytes.count)
                receiveRing.release(upTo: end)
                return (bytes, end)
            }
            if !bytes.isEmpty {
                notify(.read)
                return bytes
            }
            if isComplete { return [] }
            if let reason { throw .closed(reason) }
            try await waitToRead(until: end + 1, deadline: deadline)
        }
    }

    /// Bytes from `offset` on, without consuming them; waits for the first one. None at the end of
    /// a stream that the peer has ended.
    ///
    /// - Parameters:
    ///   - offset: within ``receivedRange`` or at its end, else it throws
    ///     ``ReadError/released(earliest:)`` or ``ReadError/notYetWritten(end:)``.
    ///   - maxBytes: with 0 or less it returns nothing, at once.
    ///   - deadline: how long to wait for the first byte.
    public func peek(
        at offset: UInt64, maxBytes: Int, deadline: ContinuousClock.Instant? = nil
    ) async throws(ReadError) -> [UInt8] {
        guard maxBytes > 0 else { return [] }
        while true {
            let reason = closeReason, isComplete = isRemoteFinished
            let result = consumer.withLock { _ -> Result<[UInt8], ReadError> in
                let start = receiveRing.startPosition, end = receivedEnd
                if offset < start { return .failure(.released(earliest: start)) }
                if offset > end { return .failure(.notYetWritten(end: end)) }
                return .success(copy(from: offset, maxBytes: maxBytes))
            }
            let bytes = try result.get()
            if !bytes.isEmpty || isComplete { return bytes }
            if let reason { throw .closed(reason) }
            try await waitToRead(until: offset + 1, deadline: deadline)
        }
    }

    /// Frees everything before `offset`, which lets the peer send as much again. An offset before
    /// the last acknowledged one does nothing. Only ever throws ``ReadError/notYetWritten(end:)``,
    /// and nothing is freed then.
    public func acknowledge(upTo offset: UInt64) throws(ReadError) {
        let result = consumer.withLock { _ -> Result<Bool, ReadError> in
            let end = receivedEnd
            guard offset <= end else { return .failure(.notYetWritten(end: end)) }
            let isNews = offset > receiveRing.startPosition
            receiveRing.release(upTo: offset)
            return .success(isNews)
        }
        if try result.get() { notify(.read) }
    }

    /// Takes charge of everything before `offset`, so that the peer need not keep it; only with
    /// ``confirmsDelivery``. The end of the peer's stream counts as one more byte. Frees nothing
    /// here, does not wait, and may be called by any task; a smaller offset than before does nothing.
    public func confirmDelivery(upTo offset: UInt64) {
        let before = confirmedUpTo.max(offset, ordering: .acquiringAndReleasing).oldValue
        if before < offset { notify(.confirmed) }
    }

    /// Only while holding the consumer's lock.
    private func copy(from offset: UInt64, maxBytes: Int) -> [UInt8] {
        let available = receivedEnd - offset
        let count = Int(min(available, UInt64(maxBytes)))
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = receiveRing.copy(
                from: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    private func waitToRead(
        until position: UInt64, deadline: ContinuousClock.Instant?
    ) async throws(ReadError) {
        switch await received.wait(until: position, deadline: deadline) {
        case .reached, .finished: return
        case .timedOut: throw .timedOut
        case .cancelled: throw .cancelled
        }
    }
}
