import Noise
import Sodium

extension Connection {
    /// What a received datagram has changed for the owner.
    struct Progress: OptionSet {
        let rawValue: UInt8
        static let readable = Progress(rawValue: 1)
        static let writable = Progress(rawValue: 2)
        /// The peer's stream is complete.
        static let remoteFinished = Progress(rawValue: 4)
        /// A message has come.
        static let datagram = Progress(rawValue: 8)
        /// The connection has to end; `endReason` tells why.
        static let ended = Progress(rawValue: 16)
    }

    /// A datagram with our connection id after the handshake. It is decrypted in place.
    func handleData(
        _ bytes: UnsafeMutableRawBufferPointer, from source: SocketAddress, ecn: ECNCodepoint,
        now: Instant
    ) -> Progress {
        guard bytes.count >= WireFormat.minimumDataDatagram else {
            shared.countDrop(.tooShort)
            return []
        }
        if isRepeatedThirdMessage(bytes) {
            // The initiator has not heard of us yet.
            keepAlivesToSend = 1
            return []
        }
        let field = PacketHeader.field(of: UnsafeRawBufferPointer(bytes))
        let header =
            isExtended
            ? PacketHeader(field: field) : PacketHeader(number: field, isPhaseOdd: false)
        let ciphertext = UnsafeMutableRawBufferPointer(
            rebasing: bytes[WireFormat.dataHeaderLength...])
        guard let header,
            let length = keys.decrypt(
                ciphertext, number: header.number, isPhaseOdd: header.isPhaseOdd, now: now)
        else { return handleUnauthentic(bytes) }
        guard replayWindow.insert(header.number) else {
            shared.countDrop(.replayed)
            return []
        }
        packetsReceived += 1
        heard(now: now)
        confirmHandshake()
        var plaintext = UnsafeRawBufferPointer(rebasing: ciphertext[..<length])
        guard isExtended else {
            return handleBase(plaintext, nonce: header.number, now: now)
        }
        if shared.configuration.elidesPayload { plaintext = restoreElided(plaintext) }
        noteSource(source, number: header.number, size: bytes.count, now: now)
        return handlePacket(plaintext, number: header.number, ecn: ecn, now: now)
    }

    /// What does not decrypt may be the word of a peer that has lost its state.
    private func handleUnauthentic(_ bytes: UnsafeMutableRawBufferPointer) -> Progress {
        if let token = extended.peer.statelessResetToken,
            StatelessReset.isReset(UnsafeRawBufferPointer(bytes), token: token)
        {
            return end(because: isComplete ? .finished : .statelessReset)
        }
        shared.countDrop(.unauthenticated)
        return []
    }

    private func isRepeatedThirdMessage(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        role == .responder && bytes.count == thirdMessage.datagram.count
            && bytes.elementsEqual(thirdMessage.datagram)
    }

    func end(because reason: CloseReason) -> Progress {
        endReason = endReason ?? reason
        return .ended
    }

    /// The peer is alive.
    func heard(now: Instant) {
        idleSince = now
        hasSentSinceHeard = false
    }

    /// Gives what the peer has acknowledged back to the writer.
    @inline(__always)
    func release(upTo offset: UInt64) -> Progress {
        let start = sendRing.startPosition
        guard offset > start else { return [] }
        sendRing.release(upTo: offset)
        // A buffer that is not twice what is in flight runs dry whenever the application is late.
        // With a peer that takes its time to deliver, what it has not delivered counts as well.
        let unsettled = extended.peer.reportsDelivery ? Int(segmentedUpTo - start) : 0
        if sendRing.limit < 2 * max(recovery.lastBytesInFlight, unsettled) {
            _ = sendRing.grow()
        }
        return .writable
    }

    /// The application has released a prefix of the receive ring.
    func didRead(now: Instant) {
        // No more comes that a larger buffer could take.
        if isClosed { return releaseReservations() }
        let roundTrip = recovery.rtt.hasSample ? recovery.rtt.minimum : .zero
        if receiveTuning.didRead(
            upTo: receiveRing.startPosition, limit: receiveRing.limit, roundTrip: roundTrip,
            now: now)
        {
            _ = receiveRing.grow()
        }
        if isExtended { didReadExtended() } else { didReadBase() }
    }
}
