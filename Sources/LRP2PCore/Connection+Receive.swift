import Noise

extension Connection {
    /// What a received datagram has changed for the application.
    struct Progress: OptionSet {
        let rawValue: UInt8
        static let readable = Progress(rawValue: 1)
        static let writable = Progress(rawValue: 2)
    }

    /// A datagram with our connection id after the handshake. It is decrypted in place.
    func handleData(_ bytes: UnsafeMutableRawBufferPointer, now: Instant) -> Progress {
        guard bytes.count >= WireFormat.minimumDataDatagram else {
            shared.countDrop(.tooShort)
            return []
        }
        if isRepeatedThirdMessage(bytes) {
            // The initiator has not heard of us yet.
            keepAlivesToSend = 1
            return []
        }
        let nonce = UInt64(
            bigEndian: bytes.loadUnaligned(
                fromByteOffset: WireFormat.connectionIDLength, as: UInt64.self))
        let ciphertext = UnsafeMutableRawBufferPointer(
            rebasing: bytes[WireFormat.dataHeaderLength...])
        guard let length = receivingKey.decrypt(ciphertext, nonce: nonce) else {
            shared.countDrop(.unauthenticated)
            return []
        }
        guard replayWindow.insert(nonce) else {
            shared.countDrop(.replayed)
            return []
        }
        packetsReceived += 1
        heard(now: now)
        confirmHandshake()
        guard let segment = Segment.parse(UnsafeRawBufferPointer(rebasing: ciphertext[..<length]))
        else {
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

    private func isRepeatedThirdMessage(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        role == .responder && bytes.count == thirdMessage.datagram.count
            && bytes.elementsEqual(thirdMessage.datagram)
    }

    /// The peer is alive.
    func heard(now: Instant) {
        idleSince = now
        hasSentSinceHeard = false
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
        switch assembler.insert(position, payload) {
        case .delivered(let count):
            queueAcknowledgement(wire)
            shared.statistics.receivedBytes += UInt64(count)
            return count > 0 ? .readable : []
        case .stored:
            queueAcknowledgement(wire)
        case .duplicate:
            duplicatesReceived += 1
            queueAcknowledgement(wire)
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
    func didRead() {
        let threshold = max(1, assembler.largestWindow / 4)
        if lastToldWindow < threshold, assembler.window >= threshold { wantsWindowUpdate = true }
    }

    // MARK: Acknowledgements

    private func handleAcknowledgement(
        _ acknowledgement: Segment.Acknowledgement, nonce: UInt64, now: Instant
    ) -> Progress {
        guard
            let position = SequenceNumber.position(
                of: acknowledgement.acknowledged, near: recovery.firstUnacknowledged),
            position < recovery.nextNew
        else {
            shared.countDrop(.invalidAcknowledgement)
            return []
        }
        isReference = isReference || acknowledgement.hasFourByteWindow
        updatePeerWindow(acknowledgement.window, nonce: nonce)
        let result = recovery.acknowledge(
            position, allBefore: cumulative(acknowledgement.lastInOrder),
            // An update of the window repeats the acknowledgement of the last in order.
            mayBeRepeated: acknowledgement.acknowledged == acknowledgement.lastInOrder, now: now)
        if let sample = result.rttSample { shared.statistics.rttSamples.observe(sample) }
        if isReference, position % Self.referenceRing == Self.referenceRing - 1 {
            // If that filled a gap, it sits on what follows until another datagram comes
            // (hazard 5).
            keepAlivesToSend = 1
        }
        let released = recovery.firstUnacknowledged
        let offset = released < recovery.nextNew
            ? recovery.segment(at: released).offset : segmentedUpTo
        guard offset > sendRing.startPosition else { return [] }
        sendRing.release(upTo: offset)
        return .writable
    }

    /// Segments in the receive ring of the reference (hazard 5).
    private static let referenceRing: UInt64 = 65_535

    /// Everything before this is received, as the header of an acknowledgement tells; 0 there
    /// tells nothing (PROTOCOL.md §1).
    private func cumulative(_ lastInOrder: UInt32) -> UInt64 {
        guard lastInOrder != 0,
            let last = SequenceNumber.position(
                of: lastInOrder, near: recovery.firstUnacknowledged),
            last < recovery.nextNew
        else { return 0 }
        return last + 1
    }

    /// Acknowledgements change places on the way; the window of the newest counts.
    private func updatePeerWindow(_ window: UInt32, nonce: UInt64) {
        if let newest = newestWindowNonce, nonce < newest { return }
        newestWindowNonce = nonce
        let wasClosed = peerWindow == 0
        peerWindow = Int(window)
        if wasClosed, window > 0 { recovery.didOpenPeerWindow() }
    }
}
