import Noise

extension Connection {
    /// Writes the next datagram that may be sent now.
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard !isClosed, let transmit = writeDatagram(into: buffer, now: now) else { return nil }
        packetsSent += 1
        lastSentAt = now
        return transmit
    }

    private func writeDatagram(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Transmit? {
        guard isEstablished else {
            return writeFirstMessage(into: buffer, now: now).map(transmit)
        }
        if thirdMessage.isDue {
            thirdMessage.isDue = false
            buffer.copyBytes(from: thirdMessage.datagram)
            return transmit(thirdMessage.datagram.count)
        }
        if isExtended { return writePacket(into: buffer, now: now) }
        return writeBase(into: buffer, now: now).map(transmit)
    }

    func transmit(_ length: Int) -> Transmit {
        Transmit(length: length, destination: remoteAddress)
    }

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

    // MARK: Both protocols

    /// The idle timer runs from the first data after a sign of life (RFC 9000 §10.1).
    @inline(__always)
    func noteSendingData(now: Instant) {
        guard !hasSentSinceHeard else { return }
        hasSentSinceHeard = true
        idleSince = now
    }

    func countRetransmission(_ cause: RetransmissionCause) {
        retransmissions[cause.index] += 1
        shared.statistics.retransmissionsByCause[cause.index] += 1
    }

    /// Where the plaintext of a datagram goes.
    @inline(__always)
    func plaintext(of buffer: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer[WireFormat.dataHeaderLength...])
    }

    /// Encrypts the plaintext in place under the next nonce; the datagram is complete then.
    ///
    /// - Parameter field: what stands behind the connection id.
    @inline(__always)
    func seal(_ length: Int, field: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let nonce = nextNonce
        nextNonce += 1
        wireID.write(to: buffer)
        buffer.storeBytes(
            of: field.bigEndian, toByteOffset: WireFormat.connectionIDLength, as: UInt64.self)
        return WireFormat.dataHeaderLength
            + keys.encrypt(plaintext(of: buffer), plaintextLength: length, number: nonce)
    }
}
