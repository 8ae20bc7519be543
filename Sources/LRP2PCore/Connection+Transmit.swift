import Noise

extension Connection {
    /// Writes the next datagram that may be sent now and returns its length.
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        guard !isClosed, let length = writeDatagram(into: buffer, now: now) else { return nil }
        packetsSent += 1
        lastSentAt = now
        return length
    }

    private func writeDatagram(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        guard isEstablished else { return writeFirstMessage(into: buffer, now: now) }
        if thirdMessage.isDue {
            thirdMessage.isDue = false
            buffer.copyBytes(from: thirdMessage.datagram)
            return thirdMessage.datagram.count
        }
        if !pendingAcknowledgements.isEmpty {
            return writeAcknowledgement(of: pendingAcknowledgements.removeFirst(), into: buffer)
        }
        if wantsWindowUpdate {
            wantsWindowUpdate = false
            if hasReceivedInOrder {
                return writeAcknowledgement(of: lastInOrder, into: buffer)
            }
        }
        if thirdMessage.holdsDataUntil == nil {
            if let position = recovery.nextRetransmission() {
                return retransmit(position, into: buffer, now: now)
            }
            if canSendNew { return sendNew(into: buffer, now: now) }
            recovery.didExhaustSending()
        }
        if keepAlivesToSend > 0 {
            keepAlivesToSend = 0
            return seal(0, into: buffer)
        }
        return nil
    }

    // MARK: Handshake

    private func writeFirstMessage(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int? {
        guard let due = handshake?.sendAt, due <= now,
            let datagram = handshake?.firstDatagram, let count = handshake?.sentCount
        else { return nil }
        handshake?.sentCount = count + 1
        let backoff = Int64(1) << min(count, 10)
        handshake?.sendAt = now + OutboundHandshake.firstRetransmission * backoff
        buffer.copyBytes(from: datagram)
        return datagram.count
    }

    // MARK: Segments

    /// The wire form of the last segment received without a gap; 0 when there is none.
    private var lastInOrder: UInt32 {
        hasReceivedInOrder ? UInt32(truncatingIfNeeded: assembler.nextExpected - 1) : 0
    }

    private var hasReceivedInOrder: Bool {
        assembler.nextExpected > UInt64(shared.configuration.initialSequenceNumber)
    }

    private func writeAcknowledgement(
        of wire: UInt32, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        lastToldWindow = assembler.window
        Segment.writeAcknowledgement(
            lastInOrder: lastInOrder, window: UInt32(lastToldWindow), acknowledged: wire,
            to: plaintext(of: buffer))
        return seal(Segment.acknowledgementLength, into: buffer)
    }

    /// Whether a segment with new data may leave: there is some, and the congestion window, the
    /// peer's window and the sequence space have room.
    var canSendNew: Bool {
        guard unsentBytes > 0, !recovery.isWindowFull,
            recovery.span < maximumSpan, !isNearSequenceEnd
        else { return false }
        return recovery.unacknowledged < peerWindow || windowProbes > 0
    }

    /// How far the newest segment may be ahead of the first that is missing. A reference peer has
    /// its limit (hazard 5); ours take what their window says, if that is more.
    private var maximumSpan: Int {
        let limit = Int(WireFormat.maximumOutstandingSegments)
        return isReference ? limit : max(limit, peerWindow)
    }

    /// A reference peer discards what comes near 2³² (hazard 6).
    var isNearSequenceEnd: Bool {
        isReference
            && recovery.nextNew >= (1 << 32) - WireFormat.maximumOutstandingSegments
    }

    private func sendNew(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int {
        if recovery.unacknowledged >= peerWindow { windowProbes -= 1 }
        let position = recovery.nextNew
        let offset = segmentedUpTo
        let length = sendRing.copy(from: offset, into: payload(of: buffer))
        recovery.didSendNew(offset: offset, length: length, now: now)
        segmentedUpTo += UInt64(length)
        shared.statistics.sentBytes += UInt64(length)
        let isFirst = position == UInt64(shared.configuration.initialSequenceNumber)
        return writeData(position, length, isFirst ? .synchronize : [], into: buffer, now: now)
    }

    private func retransmit(
        _ position: UInt64, into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int {
        let segment = recovery.segment(at: position)
        let cause = recovery.didRetransmit(position, now: now)
        shared.statistics.retransmissionsByCause[cause.index] += 1
        let room = UnsafeMutableRawBufferPointer(
            rebasing: payload(of: buffer)[..<Int(segment.length)])
        let length = sendRing.copy(from: segment.offset, into: room)
        let isFirst = position == UInt64(shared.configuration.initialSequenceNumber)
        return writeData(
            position, length, isFirst ? [.synchronize, .retransmission] : .retransmission,
            into: buffer, now: now)
    }

    private func writeData(
        _ position: UInt64, _ length: Int, _ flags: Segment.Flags,
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int {
        // The idle timer runs from the first data after a sign of life (RFC 9000 §10.1).
        if !hasSentSinceHeard {
            hasSentSinceHeard = true
            idleSince = now
        }
        Segment.writeDataHeader(
            sequenceNumber: UInt32(truncatingIfNeeded: position), flags: flags,
            to: plaintext(of: buffer))
        return seal(Segment.dataHeaderLength + length, into: buffer)
    }

    // MARK: Datagrams

    /// Where the plaintext of a datagram goes.
    @inline(__always)
    private func plaintext(
        of buffer: UnsafeMutableRawBufferPointer
    ) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer[WireFormat.dataHeaderLength...])
    }

    /// Where the payload of a data segment goes: as much as a full segment takes.
    @inline(__always)
    private func payload(
        of buffer: UnsafeMutableRawBufferPointer
    ) -> UnsafeMutableRawBufferPointer {
        let start = WireFormat.dataHeaderLength + Segment.dataHeaderLength
        return UnsafeMutableRawBufferPointer(
            rebasing: buffer[start..<start + WireFormat.maximumPayload])
    }

    /// Encrypts the plaintext in place under the next nonce; the datagram is complete then.
    @inline(__always)
    private func seal(_ length: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let nonce = nextNonce
        nextNonce += 1
        wireID.write(to: buffer)
        buffer.storeBytes(
            of: nonce.bigEndian, toByteOffset: WireFormat.connectionIDLength, as: UInt64.self)
        return WireFormat.dataHeaderLength
            + sendingKey.encrypt(plaintext(of: buffer), plaintextLength: length, nonce: nonce)
    }
}
