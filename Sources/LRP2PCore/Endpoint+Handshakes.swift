// Handshakes that peers begin.
extension Endpoint {
    /// A datagram that belongs to no connection.
    func handleHandshake(
        _ id: ConnectionID, _ datagram: UnsafeRawBufferPointer, from source: SocketAddress,
        now: Instant
    ) {
        guard datagram.count >= WireFormat.minimumDataDatagram else {
            countDrop(.tooShort)
            return
        }
        removeExpiredHandshakes(now: now)
        let candidates = handshakes.candidates(for: id)
        if datagram.count < WireFormat.minimumFirstMessage || looksLikeData(datagram) {
            guard let first = candidates.first else {
                return handleStray(datagram, from: source, now: now)
            }
            // Connections begin with datagrams of that length, and longer ones add up.
            guard datagram.count <= WireFormat.initialDatagram else { return countDrop(.tooLong) }
            if !first.keepEarly(datagram) { countDrop(.earlyDataLimit) }
            return
        }
        guard datagram.count <= WireFormat.maximumHandshakeMessage else {
            return countDrop(.tooLong)
        }
        // From another address it gets another answer: message 3 then shows which address has
        // received its answer (RFC 9000 §8.1).
        let known = candidates.first {
            $0.source == source && datagram.elementsEqual($0.firstDatagram)
        }
        if let known {
            answer(known)
            return
        }
        if datagram.count >= WireFormat.minimumThirdMessage {
            for handshake in candidates {
                guard (try? handshake.readThirdMessage(datagram)) != nil else { continue }
                if shared.configuration.admits?(handshake.remoteStaticKey, source) ?? true {
                    accept(handshake, datagram, from: source, now: now)
                } else {
                    // Nothing is left of it: what comes after is of no connection.
                    handshakes.candidates(for: id).forEach { handshakes.remove($0) }
                    countDrop(.peerNotAllowed)
                    countFailure(InboundHandshakeFailure.peerNotAllowed)
                }
                return
            }
        }
        // What has the size of a later message is no first one: it was damaged or forged, or its
        // connection is gone. Were it answered, two endpoints could keep answering each other.
        guard !WireFormat.laterMessages.contains(datagram.count) else {
            return countDrop(candidates.isEmpty ? .unknownConnection : .unauthenticated)
        }
        handleFirstMessage(id, datagram, from: source, now: now)
    }

    private func handleFirstMessage(
        _ id: ConnectionID, _ datagram: UnsafeRawBufferPointer, from source: SocketAddress,
        now: Instant
    ) {
        let offer = peekOffer(datagram)
        let isValidated =
            offer?.addressCookie.map {
                addressValidation.isValid($0, for: source, id, now: now)
            } ?? false
        if offer != nil, !isValidated, mustValidateAddresses(of: source.host) {
            reply(addressValidation.retry(for: source, id, now: now), to: source)
            return
        }
        guard hasRoomForConnection,
            handshakes.hasRoom(for: id, from: source.host, isValidated: isValidated)
        else {
            countDrop(.handshakeLimit)
            countFailure(InboundHandshakeFailure.limit)
            return
        }
        do {
            let handshake = try InboundHandshake(
                firstDatagram: datagram, source: source, isValidated: isValidated,
                own: ownParameters(for: id),
                staticKey: staticKey.copy(), staticPublicKey: staticPublicKey,
                ephemeralKey: randomSecret(), now: now)
            handshakes.insert(handshake)
            answer(handshake)
        } catch {
            countDrop(.unauthenticated)
        }
    }

    /// The offer in a message 1, whose payload anyone can read; `nil` from a base peer, and when
    /// we have nothing to offer ourselves.
    private func peekOffer(_ datagram: UnsafeRawBufferPointer) -> TransportParameters? {
        guard shared.configuration.isExtended,
            datagram.count > WireFormat.minimumFirstMessage
        else { return nil }
        return TransportParameters.parse(Array(datagram[WireFormat.minimumFirstMessage...]))
    }

    /// Under load nothing is kept of initiators that may not be where they say they are.
    private func mustValidateAddresses(of host: SocketAddress.Host) -> Bool {
        handshakes.count >= shared.configuration.handshakesBeforeCookies
            || handshakes.isHostFull(host)
    }

    /// What a connection with this id tells its peer; `nil` for the base protocol alone.
    func ownParameters(for id: ConnectionID) -> TransportParameters? {
        let configuration = shared.configuration
        guard configuration.isExtended else { return nil }
        var own = TransportParameters()
        own.features = [.extendedTransport, .datagrams, .pathValidation]
        if configuration.usesECN { own.features.insert(.explicitCongestionNotification) }
        own.maximumDatagram = configuration.maximumDatagram
        own.receiveLimit = UInt64(
            min(configuration.initialBufferBytes, configuration.receiveBufferBytes))
        own.acknowledgementThreshold = configuration.acknowledgementThreshold
        own.maximumAcknowledgementDelay = configuration.maximumAcknowledgementDelay
        own.idleTimeout = configuration.idleTimeout
        own.statelessResetToken = statelessReset.token(for: id)
        own.reportsDelivery = configuration.confirmsDelivery
        own.applicationProtocols = configuration.offeredProtocols
        return own
    }

    /// A packet of a connection we do not have (any more) could pass for a first message, which is
    /// 32 arbitrary bytes. But where that has a random key, a packet has a number that counts from
    /// 0: the first four bytes, without the flags of the extended protocol, tell them apart but
    /// for one key in 2³⁰.
    private func looksLikeData(_ datagram: UnsafeRawBufferPointer) -> Bool {
        let start = UInt32(
            bigEndian: datagram.loadUnaligned(
                fromByteOffset: WireFormat.connectionIDLength, as: UInt32.self))
        return start == 0 || start & ~(1 << 30) == 1 << 31
    }

    /// A packet of the extended protocol is answered with a stateless reset: its sender would wait
    /// for its idle timeout else.
    private func handleStray(
        _ datagram: UnsafeRawBufferPointer, from source: SocketAddress, now: Instant
    ) {
        countDrop(.unknownConnection)
        guard shared.configuration.isExtended else { return }
        if now - resetSecond >= .seconds(1) {
            resetSecond = now
            resetsInSecond = 0
        }
        guard resetsInSecond < Self.maximumResetsPerSecond,
            let reset = statelessReset.answer(to: datagram, random: shared.random)
        else { return }
        resetsInSecond += 1
        reply(reset, to: source)
    }

    private func answer(_ handshake: InboundHandshake) {
        guard reply(handshake.secondDatagram, to: handshake.source) else {
            countDrop(.handshakeLimit)
            return
        }
        handshake.answersSent += 1
    }

    private func accept(
        _ handshake: InboundHandshake, _ thirdDatagram: UnsafeRawBufferPointer,
        from source: SocketAddress, now: Instant
    ) {
        let candidates = handshakes.candidates(for: handshake.wireID)
        candidates.forEach { handshakes.remove($0) }
        let connection = makeConnection(
            .responder, handshake.wireID, remoteAddress: handshake.source, now: now)
        connection.didAccept(handshake, thirdDatagram, now: now)
        connection.noteSourceOfThirdMessage(source, size: thirdDatagram.count, now: now)
        add(connection)
        events.append(.accepted(connection))
        for datagram in candidates.flatMap(\.early) {
            // One of them may have ended it, and its keys are gone.
            guard !connection.isClosed else { return }
            var copy = datagram
            let progress = copy.withUnsafeMutableBytes {
                connection.handleData($0, from: source, ecn: .notECT, now: now)
            }
            note(progress, of: connection)
        }
    }
}
