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
        handshakes.removeExpired(now: now)
        let candidates = handshakes.candidates(for: id)
        if datagram.count < WireFormat.minimumFirstMessage || looksLikeData(datagram) {
            guard let first = candidates.first else { return countDrop(.unknownConnection) }
            if !first.keepEarly(datagram) { countDrop(.earlyDataLimit) }
            return
        }
        if let known = candidates.first(where: { datagram.elementsEqual($0.firstDatagram) }) {
            answer(known)
            return
        }
        if datagram.count >= WireFormat.minimumThirdMessage {
            for handshake in candidates {
                guard let payload = try? handshake.readThirdMessage(datagram) else { continue }
                accept(handshake, datagram, payload: payload, from: source, now: now)
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
        guard handshakes.hasRoom(for: id, from: source.host),
            hasRoomForConnection
        else {
            countDrop(.handshakeLimit)
            return
        }
        do {
            let handshake = try InboundHandshake(
                firstDatagram: datagram, source: source, staticKey: staticKey.copy(),
                ephemeralKey: randomSecret(), now: now)
            handshakes.insert(handshake)
            answer(handshake)
        } catch {
            countDrop(.unauthenticated)
        }
    }

    /// A data datagram of a connection we do not have (any more) could pass for a first message,
    /// which is 32 arbitrary bytes. But where that has a random key, data has a nonce that counts
    /// from 0: the first four bytes tell them apart but for one key in 2³².
    private func looksLikeData(_ datagram: UnsafeRawBufferPointer) -> Bool {
        datagram.loadUnaligned(
            fromByteOffset: WireFormat.connectionIDLength, as: UInt32.self) == 0
    }

    private func answer(_ handshake: InboundHandshake) {
        guard replies.count < Self.maximumReplies else {
            countDrop(.handshakeLimit)
            return
        }
        handshake.answersSent += 1
        replies.append(
            Reply(datagram: handshake.secondDatagram, destination: handshake.source))
    }

    private func accept(
        _ handshake: InboundHandshake, _ thirdDatagram: UnsafeRawBufferPointer,
        payload: [UInt8], from source: SocketAddress, now: Instant
    ) {
        let candidates = handshakes.candidates(for: handshake.wireID)
        candidates.forEach { handshakes.remove($0) }
        let connection = makeConnection(
            .responder, handshake.wireID, remoteAddress: source, now: now)
        connection.didAccept(handshake, thirdDatagram, payload: payload, now: now)
        add(connection)
        events.append(.accepted(connection))
        for datagram in candidates.flatMap(\.early) {
            var copy = datagram
            let progress = copy.withUnsafeMutableBytes { connection.handleData($0, now: now) }
            note(progress, of: connection)
        }
    }
}
