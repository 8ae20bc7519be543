// The extended protocol (PROTOCOL.md §3): what leaves.
extension Connection {
    /// Bytes that a packet has besides its plaintext.
    private static let overhead = WireFormat.minimumDataDatagram

    /// Bytes of the shortest plaintext that asks for an answer.
    private static let minimumElicitingPlaintext = StatelessReset.minimumLength + 1 - overhead

    /// What the next packet may carry.
    private struct Permission {
        /// Stream data.
        var data = false
        /// Anything that counts as in flight.
        var inFlight = false
    }

    /// Writes the next packet.
    func writePacket(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        let room = min(recovery.datagramSize, extended.path.room) - Self.overhead
        guard room > 0 else { return nil }
        let permission = permission(now: now)
        if permission.inFlight, extended.path.isValidated,
            let transmit = writeSizeProbe(into: buffer, now: now)
        {
            return transmit
        }
        let isAcknowledgementDue = extended.received.acknowledgementDueAt.map { $0 <= now } ?? false
        let hasControl = extended.path.hasChallenge || recovery.mustProbe
            || (recovery.hasRoomForControl && hasOrdinaryControl)
        let hasMessage = permission.inFlight && !extended.outgoingMessages.isEmpty
        guard permission.data || isAcknowledgementDue || hasControl || hasMessage else {
            return nil
        }
        var writer = FrameWriter(
            UnsafeMutableRawBufferPointer(rebasing: plaintext(of: buffer)[..<room]))
        var record = PacketRecord()
        // These first: where the room is a credit, an acknowledgement could take all of it.
        if hasControl, extended.path.hasFrame {
            record.isEliciting = extended.path.writeFrames(to: &writer)
        }
        writeAcknowledgement(to: &writer, &record, now: now)
        if hasControl { writeControl(to: &writer, &record) }
        if hasMessage { writeMessages(to: &writer, &record) }
        if permission.data { writeStream(to: &writer, &record, now: now) }
        if record.isEliciting == false, recovery.mustProbe || record.wantsAcknowledgement {
            record.isEliciting = writer.writePing()
        }
        guard writer.count > 0 else { return nil }
        // A shorter one would get no stateless reset, should the peer have forgotten us.
        if record.isEliciting, writer.count < Self.minimumElicitingPlaintext {
            _ = writer.padding(to: Self.minimumElicitingPlaintext)
        }
        return finish(&record, length: writer.count, into: buffer, now: now)
    }

    /// Whether there is something to say that counts as in flight (RFC 9002 §7) and may wait for
    /// an acknowledgement if there is too much of that: the peer can make us answer without end.
    private var hasOrdinaryControl: Bool {
        extended.mustSendWindow || extended.mustSendPing || keepAlivesToSend > 0
            || extended.delivery.mustSend || extended.path.hasFrame
    }

    /// What a packet turns out to carry while it is written.
    private struct PacketRecord {
        var contents: SentPacket.Contents = []
        var offset: UInt64 = 0
        var length = 0
        /// The peer will acknowledge it.
        var isEliciting = false
        /// The largest number it acknowledges.
        var acknowledged: UInt64?
        /// It is worth knowing whether the acknowledgement arrives.
        var wantsAcknowledgement = false
    }

    private func permission(now: Instant) -> Permission {
        pacedUntil = nil
        let next = segmentedUpTo, end = sendRing.endPosition
        let hasPiece = extended.sendStream.hasPiece(next: next, end: end)
        let hasMessage = !extended.outgoingMessages.isEmpty
        var permission = Permission()
        if recovery.hasRoom {
            let isWaiting = hasPiece || hasMessage
            pacedUntil = isWaiting ? recovery.pacedUntil(now: now) : nil
            permission.inFlight = pacedUntil == nil
            permission.data = permission.inFlight && hasPiece
        }
        let canSend = permission.data || permission.inFlight && hasMessage
        if !canSend { recovery.didExhaustSending(hasMore: hasPiece || hasMessage, now: now) }
        return permission
    }

    // MARK: Frames

    private func writeAcknowledgement(
        to writer: inout FrameWriter, _ record: inout PacketRecord, now: Instant
    ) {
        guard extended.received.acknowledgementDueAt != nil,
            let largest = extended.received.largest
        else { return }
        let counts = extended.received.ecnCounts
        guard writer.writeAcknowledgement(
            extended.received.ranges, delay: extended.received.delay(now: now),
            ecn: counts.isEmpty ? nil : counts)
        else { return }
        record.acknowledged = largest
        extended.received.didAcknowledge()
        record.wantsAcknowledgement = extended.toldAcknowledgement == nil
            && extended.received.ranges.count > ExtendedTransport.rangesWorthForgetting
    }

    private func writeControl(
        to writer: inout FrameWriter, _ record: inout PacketRecord
    ) {
        if extended.mustSendWindow {
            let maximum = receiveRing.startPosition + UInt64(receiveRing.limit)
            if writer.writeWindow(maximum: maximum) {
                extended.mustSendWindow = false
                extended.receiveStream.didTell(limit: maximum)
                record.contents.insert(.window)
                record.isEliciting = true
            }
        }
        if extended.delivery.mustSend,
            writer.writeDelivered(upTo: extended.delivery.confirmed)
        {
            extended.delivery.didSend(in: nextNonce)
            record.contents.insert(.delivered)
            record.isEliciting = true
        }
        if extended.mustSendPing || keepAlivesToSend > 0, writer.writePing() {
            extended.mustSendPing = false
            keepAlivesToSend = 0
            record.isEliciting = true
        }
    }

    private func writeMessages(to writer: inout FrameWriter, _ record: inout PacketRecord) {
        while let message = extended.outgoingMessages.oldest {
            let isWritten = message.withUnsafeBytes { writer.writeDatagram($0, isLast: false) }
            if !isWritten {
                // One that is alone and does not fit never will: the path has become smaller.
                guard writer.count == 0 else { return }
                extended.messagesTooLong += 1
            }
            _ = extended.outgoingMessages.takeFirst()
            record.isEliciting = record.isEliciting || isWritten
        }
    }

    @inline(__always)
    private func writeStream(
        to writer: inout FrameWriter, _ record: inout PacketRecord, now: Instant
    ) {
        guard
            let piece = extended.sendStream.nextPiece(
                next: segmentedUpTo, end: sendRing.endPosition, room: writer.remaining)
        else { return }
        // The frame goes on to the end of the packet: what fills it up comes before.
        let length = writer.count + FrameWriter.streamHeaderLength(offset: piece.offset)
            + piece.length
        let missing = Self.minimumElicitingPlaintext - length
        // Not where a credit is too small for it: the piece has the room that it was cut for.
        if missing > 0, writer.count + writer.remaining - length >= missing {
            _ = writer.padding(to: writer.count + missing)
        }
        guard
            let payload = writer.beginStream(offset: piece.offset, isFinal: piece.isFinal)
        else { return }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: payload[..<piece.length])
        let count = piece.length > 0 ? sendRing.copy(from: piece.offset, into: bytes) : 0
        precondition(count == piece.length, "the ring has what was written to it")
        writer.endStream(length: count)
        extended.sendStream.didSend(piece)
        record.contents.insert(.data)
        if piece.isFinal { record.contents.insert(.end) }
        if piece.isRetransmission {
            record.contents.insert(.retransmission)
            countRetransmission(lastLossCause)
        } else {
            segmentedUpTo += UInt64(count)
            shared.statistics.sentBytes += UInt64(count)
        }
        record.offset = piece.offset
        record.length = count
        record.isEliciting = true
        noteSendingData(now: now)
    }

    // MARK: Packets

    /// Numbers the packet, encrypts it, and notes what must be known when it is lost.
    private func finish(
        _ record: inout PacketRecord, length: Int, isProbe: Bool = false,
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Transmit {
        let number = nextNonce
        keys.followPeer(number: number)
        if keys.isOld(
            number: number, maximumPackets: shared.configuration.rekeyAfterPackets,
            maximumAge: shared.configuration.rekeyAfter, now: now)
        {
            let settlingTime = recovery.probeTimeout(isPeerWindowClosed: false) * 3
            keys.change(number: number, settlingTime: settlingTime, now: now)
        }
        let header = PacketHeader(number: number, isPhaseOdd: keys.isSendingPhaseOdd)
        let size = Self.overhead + length
        let written =
            shared.configuration.elidesPayload
            ? sealEliding(record.length, of: length, field: header.field, into: buffer)
            : seal(length, field: header.field, into: buffer)
        if record.isEliciting {
            if let largest = record.acknowledged, extended.toldAcknowledgement == nil {
                extended.toldAcknowledgement = (number, largest)
                record.contents.insert(.acknowledgement)
            }
            recovery.didSend(
                record.contents, offset: record.offset, length: record.length, size: size,
                now: now)
        } else {
            recovery.skipNumber()
            takeLostPackets(now: now)
        }
        extended.path.didSend(bytes: size)
        var transmit = transmit(written)
        transmit.elidedBytes = size - written
        transmit.isPathProbe = isProbe
        if extended.ecn != nil, record.isEliciting {
            transmit.isECNCapable = true
            if extended.markedSent == 0 { extended.firstMarked = number }
            extended.markedSent += 1
        }
        return transmit
    }

    /// A packet of a size that the path may or may not take (RFC 8899 §4.1).
    private func writeSizeProbe(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Transmit? {
        guard let size = extended.mtu.probeToSend(now: now), size <= buffer.count else {
            return nil
        }
        extended.mtu.didSend(probe: size)
        let length = size - Self.overhead
        var writer = FrameWriter(
            UnsafeMutableRawBufferPointer(rebasing: plaintext(of: buffer)[..<length]))
        guard writer.writePing(), writer.padding(to: length) else { return nil }
        var record = PacketRecord()
        record.contents = .sizeProbe
        record.isEliciting = true
        return finish(&record, length: length, isProbe: true, into: buffer, now: now)
    }

    /// The word that the connection ends here, as a datagram; `nil` when there is none to say.
    func makeReset(code: ResetCode) -> [UInt8]? {
        guard isExtended, isEstablished else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.overhead + 16)
        let length = bytes.withUnsafeMutableBytes { buffer in
            var writer = FrameWriter(
                UnsafeMutableRawBufferPointer(rebasing: plaintext(of: buffer)[..<16]))
            _ = writer.writeReset(code: code.rawValue)
            keys.followPeer(number: nextNonce)
            let header = PacketHeader(number: nextNonce, isPhaseOdd: keys.isSendingPhaseOdd)
            return seal(writer.count, field: header.field, into: buffer)
        }
        bytes.removeSubrange(length...)
        packetsSent += 1
        return bytes
    }
}

// MARK: - What the application does

extension Connection {
    /// Bytes of the longest message that the path takes in one packet now.
    public var maximumMessageBytes: Int? {
        guard extended.features.contains(.datagrams) else { return nil }
        // A length of up to four bytes, and room for an acknowledgement, which matters more.
        return recovery.datagramSize - Self.overhead - 1 - 4 - 200
    }

    /// Queues a message that is delivered once or not at all, in any order. Returns false when it
    /// is too long or the peer takes none; the oldest waiting one gives way to too many.
    func sendMessage(_ bytes: [UInt8]) -> Bool {
        guard let maximum = maximumMessageBytes, bytes.count <= maximum else { return false }
        extended.outgoingMessages.append(bytes)
        return true
    }

    /// The oldest message that has arrived.
    public func takeMessage() -> [UInt8]? {
        extended.incomingMessages.takeFirst()
    }

    /// The application writes no more; what it has written is still sent.
    func finishWriting() {
        extended.sendStream.finish(at: sendRing.endPosition)
    }
}
