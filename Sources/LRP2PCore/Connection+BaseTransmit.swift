// The base protocol (PROTOCOL.md §1).
extension Connection {
    /// Writes the next datagram of the base protocol and returns its length.
    func writeBase(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        if !pendingAcknowledgements.isEmpty {
            return writeAcknowledgement(of: pendingAcknowledgements.removeFirst(), into: buffer)
        }
        if let position = confirmedSegments.takeNext() {
            return writeAcknowledgement(of: UInt32(truncatingIfNeeded: position), into: buffer)
        }
        if wantsWindowUpdate {
            wantsWindowUpdate = false
            if hasReceivedInOrder {
                return writeAcknowledgement(of: lastInOrder, into: buffer)
            }
        }
        if thirdMessage.holdsDataUntil == nil, let length = writeSegment(into: buffer, now: now) {
            return length
        }
        if keepAlivesToSend > 0 {
            keepAlivesToSend = 0
            return sealBase(0, into: buffer)
        }
        return nil
    }

    private func writeSegment(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        pacedUntil = nil
        let lost = segments.nextRetransmission()
        let hasMore = lost != nil || hasSendableSegment
        if hasMore, recovery.hasRoom {
            pacedUntil = recovery.pacedUntil(now: now)
            if pacedUntil == nil {
                if let lost { return retransmit(lost, into: buffer, now: now) }
                return sendNew(into: buffer, now: now)
            }
        }
        recovery.didExhaustSending(hasMore: hasMore, now: now)
        return nil
    }

    // MARK: Segments

    /// The wire form of the last segment received without a gap; 0 when there is none.
    private var lastInOrder: UInt32 {
        hasReceivedInOrder ? UInt32(truncatingIfNeeded: nextToAcknowledge - 1) : 0
    }

    /// The first segment that the peer is not told to have arrived.
    private var nextToAcknowledge: UInt64 {
        shared.configuration.confirmsDelivery ? confirmedSegments.next : assembler.nextExpected
    }

    private var hasReceivedInOrder: Bool {
        nextToAcknowledge > UInt64(shared.configuration.initialSequenceNumber)
    }

    private func writeAcknowledgement(
        of wire: UInt32, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        lastToldWindow = assembler.window
        Segment.writeAcknowledgement(
            lastInOrder: lastInOrder, window: UInt32(lastToldWindow), acknowledged: wire,
            to: plaintext(of: buffer))
        return sealBase(Segment.acknowledgementLength, into: buffer)
    }

    /// Whether a segment with new data may leave but for the congestion window: there is some, and
    /// the peer's window and the sequence space have room.
    private var hasSendableSegment: Bool {
        guard unsentBytes > 0, segments.span < maximumSpan, !isNearSequenceEnd else { return false }
        return segments.unacknowledged < peerWindow || windowProbes > 0
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
            && segments.nextNew >= (1 << 32) - WireFormat.maximumOutstandingSegments
    }

    private func sendNew(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int {
        if segments.unacknowledged >= peerWindow { windowProbes -= 1 }
        let position = segments.nextNew
        let offset = segmentedUpTo
        let length = sendRing.copy(from: offset, into: payload(of: buffer))
        segments.didSendNew(
            number: recovery.nextNumber, offset: offset, length: length, now: now)
        segmentedUpTo += UInt64(length)
        shared.statistics.sentBytes += UInt64(length)
        let isFirst = position == UInt64(shared.configuration.initialSequenceNumber)
        return writeData(
            position, length, isFirst ? .synchronize : [], .data, into: buffer, now: now)
    }

    private func retransmit(
        _ position: UInt64, into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int {
        let segment = segments.segment(at: position)
        segments.didRetransmit(position, number: recovery.nextNumber, now: now)
        countRetransmission(segment.cause)
        let room = UnsafeMutableRawBufferPointer(
            rebasing: payload(of: buffer)[..<Int(segment.length)])
        let length = sendRing.copy(from: segment.offset, into: room)
        let isFirst = position == UInt64(shared.configuration.initialSequenceNumber)
        return writeData(
            position, length, isFirst ? [.synchronize, .retransmission] : .retransmission,
            [.data, .retransmission], into: buffer, now: now)
    }

    private func writeData(
        _ position: UInt64, _ length: Int, _ flags: Segment.Flags,
        _ contents: SentPacket.Contents, into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int {
        noteSendingData(now: now)
        Segment.writeDataHeader(
            sequenceNumber: UInt32(truncatingIfNeeded: position), flags: flags,
            to: plaintext(of: buffer))
        let size = sealBase(Segment.dataHeaderLength + length, into: buffer)
        recovery.didSend(contents, offset: position, length: length, size: size, now: now)
        return size
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

    @inline(__always)
    private func sealBase(_ length: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        seal(length, field: nextNonce, into: buffer)
    }
}
