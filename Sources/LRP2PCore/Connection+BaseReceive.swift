// The base protocol (PROTOCOL.md §1).
extension Connection {
    /// The plaintext of a packet of the base protocol.
    func handleBase(_ plaintext: UnsafeRawBufferPointer, nonce: UInt64, now: Instant) -> Progress {
        guard let segment = Segment.parse(plaintext) else {
            shared.countDrop(.malformed)
            return []
        }
        switch segment {
        case .keepAlive:
            return []
        case .data(let sequenceNumber, let payload):
            return handleSegment(sequenceNumber, payload)
        case .acknowledgement(let acknowledgement):
            return handleAcknowledgement(acknowledgement, nonce: nonce, now: now)
        }
    }

    // MARK: Data

    private func handleSegment(_ wire: UInt32, _ payload: UnsafeRawBufferPointer) -> Progress {
        guard let position = SequenceNumber.position(of: wire, near: assembler.nextExpected) else {
            shared.countDrop(.malformed)
            return []
        }
        guard payload.count <= WireFormat.maximumPayload else {
            shared.countDrop(.tooLong)
            return []
        }
        // What the application has not confirmed is not acknowledged.
        let confirms = shared.configuration.confirmsDelivery
        switch assembler.insert(position, payload) {
        case .delivered(let count):
            if confirms {
                confirmedSegments.didReceive(
                    upTo: receiveRing.endPosition, next: assembler.nextExpected)
            } else {
                queueAcknowledgement(wire)
            }
            shared.statistics.receivedBytes += UInt64(count)
            return count > 0 ? .readable : []
        case .stored:
            if !confirms { queueAcknowledgement(wire) }
        case .duplicate:
            duplicatesReceived += 1
            if !confirms || position < confirmedSegments.next { queueAcknowledgement(wire) }
        case .noRoom:
            shared.countDrop(.receiveBufferFull)
            // Says that the window is closed, without acknowledging what was refused.
            wantsWindowUpdate = true
        }
        return []
    }

    /// Beyond this many unsent acknowledgements the oldest are dropped: the peer sends those
    /// segments again. They leave before anything else, so only a send socket that takes nothing
    /// for a long time brings them here.
    static let maximumPendingAcknowledgements = 4096

    private func queueAcknowledgement(_ wire: UInt32) {
        if pendingAcknowledgements.count == Self.maximumPendingAcknowledgements {
            _ = pendingAcknowledgements.removeFirst()
        }
        pendingAcknowledgements.append(wire)
    }

    /// The application has read: tells a peer that found our window closed, or nearly so, that it
    /// has opened. Nothing else would, since the base protocol's window travels in answers only.
    func didReadBase() {
        let threshold = max(1, assembler.largestWindow / 4)
        if lastToldWindow < threshold, assembler.window >= threshold { wantsWindowUpdate = true }
    }

    // MARK: Acknowledgements

    private func handleAcknowledgement(
        _ acknowledgement: Segment.Acknowledgement, nonce: UInt64, now: Instant
    ) -> Progress {
        guard
            let position = SequenceNumber.position(
                of: acknowledgement.acknowledged, near: segments.firstUnacknowledged),
            position < segments.nextNew
        else {
            shared.countDrop(.invalidAcknowledgement)
            return []
        }
        isReference = isReference || acknowledgement.hasFourByteWindow
        updatePeerWindow(acknowledgement.window, nonce: nonce)
        let sample = segments.acknowledge(
            position, allBefore: cumulative(acknowledgement.lastInOrder),
            // An update of the window repeats the acknowledgement of the last in order.
            mayBeRepeated: acknowledgement.acknowledged == acknowledgement.lastInOrder,
            recovery: &recovery, now: now)
        takeLostSegments()
        if let sample { shared.statistics.rttSamples.observe(sample) }
        if isReference, position % Self.referenceRing == Self.referenceRing - 1 {
            // If that filled a gap, it sits on what follows until another datagram comes
            // (hazard 5).
            keepAlivesToSend = 1
        }
        let released = segments.firstUnacknowledged
        return release(
            upTo: released < segments.nextNew
                ? segments.segment(at: released).offset : segmentedUpTo)
    }

    func takeLostSegments() {
        guard recovery.hasLost else { return }
        recovery.takeLost { segments.didLose($0) }
    }

    /// Segments in the receive ring of the reference (hazard 5).
    private static let referenceRing: UInt64 = 65_535

    /// Everything before this is received, as the header of an acknowledgement tells; 0 there
    /// tells nothing (PROTOCOL.md §1).
    private func cumulative(_ lastInOrder: UInt32) -> UInt64 {
        guard lastInOrder != 0,
            let last = SequenceNumber.position(
                of: lastInOrder, near: segments.firstUnacknowledged),
            last < segments.nextNew
        else { return 0 }
        return last + 1
    }

    /// Acknowledgements change places on the way; the window of the newest counts.
    private func updatePeerWindow(_ window: UInt32, nonce: UInt64) {
        if let newest = newestWindowNonce, nonce < newest { return }
        newestWindowNonce = nonce
        let wasClosed = peerWindow == 0
        peerWindow = Int(window)
        guard wasClosed, window > 0 else { return }
        recovery.didOpenPeerWindow()
        takeLostSegments()
    }
}
