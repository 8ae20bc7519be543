import Noise
import Sodium

/// The handshake as its initiator sees it, until message 2 has come.
struct OutboundHandshake: ~Copyable {
    /// Message 1 is repeated after 1, 2 and 4 s: a reference responder must not be pressed
    /// (hazard 1).
    static let firstRetransmission: Interval = .seconds(1)

    var state: HandshakeState
    /// The whole datagram, sent again as it is.
    let firstDatagram: [UInt8]
    /// What it offers; `nil` for the base protocol alone.
    let offer: TransportParameters?
    /// When the handshake began, from which its timeout counts, and when it did with this datagram.
    let startedAt: Instant
    let begunAt: Instant
    var sentCount = 0
    var sendAt: Instant
}

/// The last message of the handshake and how often it must be said.
///
/// The initiator keeps it until the responder has shown that it arrived; the responder keeps it to
/// recognise a repetition, which means that its confirmation was lost.
struct ThirdMessage {
    /// The first repetition without a confirmation comes after this or two round trips.
    static let minimumRepetition: Interval = .milliseconds(200)
    /// A reference responder is lost for good when data overtakes message 3 (hazard 1), so the
    /// first data waits for half a round trip, within these bounds.
    static let minimumHold: Interval = .milliseconds(5)
    static let maximumHold: Interval = .milliseconds(100)

    /// Empty when there is nothing to repeat.
    var datagram: [UInt8] = []
    var isDue = false
    var repeatAt: Instant = .distantFuture
    var repetition = Interval.zero
    var giveUpAt: Instant = .distantFuture
    /// No data is sent before this.
    var holdsDataUntil: Instant?
}

extension Connection {
    /// Begins a handshake as initiator, or begins it anew with a cookie in the offer.
    func startHandshake(
        offer: TransportParameters?, staticKey: consuming SecretBytes, staticPublicKey: [UInt8],
        ephemeralKey: consuming SecretBytes, now: Instant
    ) throws(NoiseError) {
        var state = HandshakeState(
            isInitiator: true, staticKey: staticKey, staticPublicKey: staticPublicKey,
            ephemeralKey: ephemeralKey)
        let payload = offer?.encodeOffer() ?? []
        let message = try state.writeMessage(payload: payload)
        handshake = OutboundHandshake(
            state: state, firstDatagram: datagram(message), offer: offer,
            startedAt: handshake?.startedAt ?? now, begunAt: now, sendAt: now)
    }

    /// The offer to repeat with the cookie of a retry; `nil` when the datagram is none, or the
    /// offer had one already.
    func offer(for retry: UnsafeRawBufferPointer) -> TransportParameters? {
        guard var offer = handshake?.offer, offer.addressCookie == nil,
            let cookie = AddressValidation.cookie(ofRetry: retry)
        else { return nil }
        offer.addressCookie = cookie
        return offer
    }

    /// A handshake message behind our connection id.
    private func datagram(_ message: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: WireFormat.connectionIDLength)
        bytes.withUnsafeMutableBytes { wireID.write(to: $0) }
        return bytes + message
    }

    enum HandshakeProgress {
        case none, established, connectedToSelf
    }

    /// Initiator: a datagram while message 2 is awaited.
    func handleSecondMessage(
        _ bytes: UnsafeRawBufferPointer, now: Instant
    ) -> HandshakeProgress {
        if isOwnFirstMessage(bytes) { return .connectedToSelf }
        let message = UnsafeRawBufferPointer(rebasing: bytes[WireFormat.connectionIDLength...])
        var third: [UInt8] = []
        var answer: TransportParameters?
        var isSentOnce = false
        var startedAt = now
        var begunAt = now
        do {
            let payload = try handshake?.state.readMessage(message) ?? []
            if let offer = handshake?.offer, let own = TransportParameters.parse(payload) {
                answer = .answer(to: offer, with: own)
            }
            let isExtended = answer?.features.contains(.extendedTransport) ?? false
            let confirmation = isExtended ? handshake?.offer?.encodeConfirmation() : nil
            third = datagram(try handshake?.state.writeMessage(payload: confirmation ?? []) ?? [])
        } catch {
            // Forged, damaged, or the reference's sign of failure (hazard 3): anyone could have
            // sent it, so the true message is still waited for.
            shared.countDrop(.unauthenticated)
            return .none
        }
        takeKeys(now: now)
        if let offer = handshake?.offer, let answer {
            adopt(peer: answer, own: offer)
        } else {
            adoptBase()
        }
        isSentOnce = (handshake?.sentCount ?? 0) == 1
        startedAt = handshake?.startedAt ?? now
        begunAt = handshake?.begunAt ?? now
        handshake = nil
        let roundTrip = isSentOnce ? now - begunAt : nil
        if let roundTrip { recovery.addHandshakeSample(roundTrip) }
        shared.statistics.handshakeDurations.observe(now - startedAt)
        prepareThirdMessage(third, handshakeRTT: roundTrip, now: now)
        heard(now: now)
        return .established
    }

    private func isOwnFirstMessage(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let own = handshake?.firstDatagram else { return false }
        return bytes.count == own.count && bytes.elementsEqual(own)
    }

    private func takeKeys(now: Instant) {
        guard let keys = handshake?.state.split() else { return }
        remoteStaticKey = handshake?.state.remoteStaticKey ?? []
        self.keys.install(keys, now: now)
        isEstablished = true
    }

    /// Both sides have offered something.
    private func adopt(peer: TransportParameters, own: TransportParameters) {
        guard peer.features.contains(.extendedTransport) else { return adoptBase() }
        isExtended = true
        extended = ExtendedTransport(peer: peer, own: own)
        recovery.setDatagramSize(extended.mtu.currentSize)
        recovery.setMaximumAcknowledgementDelay(peer.maximumAcknowledgementDelay)
    }

    /// A peer of the base protocol may be a reference, which ignores our window: the buffer has to
    /// be large from the start.
    private func adoptBase() {
        let wanted = min(WireFormat.baseReceiveBuffer, receiveRing.capacity)
        while receiveRing.limit < wanted, receiveRing.grow() {}
        lastToldWindow = assembler.largestWindow
    }

    private func prepareThirdMessage(_ bytes: [UInt8], handshakeRTT: Interval?, now: Instant) {
        let rtt = handshakeRTT ?? RTTEstimator.initialRTT
        let hold = min(max(rtt / 2, ThirdMessage.minimumHold), ThirdMessage.maximumHold)
        thirdMessage.datagram = bytes
        thirdMessage.isDue = true
        thirdMessage.repetition = max(rtt * 2, ThirdMessage.minimumRepetition)
        // Ours keep what overtakes message 3.
        thirdMessage.holdsDataUntil = isExtended ? nil : now + hold
        thirdMessage.repeatAt = now + (isExtended ? thirdMessage.repetition : hold / 2)
        thirdMessage.giveUpAt = now + shared.configuration.handshakeTimeout
    }

    /// Initiator: something authentic came, so message 3 has arrived.
    func confirmHandshake() {
        guard role == .initiator, !thirdMessage.datagram.isEmpty else { return }
        thirdMessage = ThirdMessage()
        if isExtended { extended.mtu.start() }
    }

    /// Whether the peer is known to have the keys.
    var isConfirmed: Bool { role == .responder || thirdMessage.datagram.isEmpty }

    /// Initiator: says message 3 again, ever more rarely, until it is confirmed.
    func handleThirdMessageTimer(now: Instant) {
        if let hold = thirdMessage.holdsDataUntil, hold <= now { thirdMessage.holdsDataUntil = nil }
        guard thirdMessage.repeatAt <= now else { return }
        thirdMessage.isDue = true
        thirdMessage.repeatAt = now + thirdMessage.repetition
        thirdMessage.repetition = thirdMessage.repetition * 2
        if thirdMessage.repeatAt > thirdMessage.giveUpAt { thirdMessage.repeatAt = .distantFuture }
    }
}

extension Connection {
    /// Responder: message 3 has come.
    func didAccept(
        _ inbound: InboundHandshake, _ thirdDatagram: UnsafeRawBufferPointer, now: Instant
    ) {
        keys.install(inbound.split(), now: now)
        isEstablished = true
        remoteStaticKey = inbound.remoteStaticKey
        if let terms = inbound.terms {
            adopt(peer: terms.peer, own: terms.own)
            if isExtended { extended.mtu.start() }
        } else {
            adoptBase()
        }
        thirdMessage.datagram = Array(thirdDatagram)
        let duration = now - inbound.startedAt
        // A copy of message 3 says not which it is; a long wait is more likely for a later one.
        if inbound.answersSent == 1, duration <= RTTEstimator.initialRTT {
            recovery.addHandshakeSample(duration)
        }
        shared.statistics.handshakeDurations.observe(duration)
        // Tells the initiator that message 3 has arrived. A reference peer takes no notice.
        keepAlivesToSend = 1
    }

    /// Gives back what the buffers have reserved, but for bytes that can still be read: again
    /// whenever some have been.
    func releaseReservations() {
        for ring in [sendRing, receiveRing] {
            ring.lowerLimit(to: min(shared.configuration.initialBufferBytes, ring.capacity))
        }
    }

    /// Overwrites the transport keys; nothing can be sent or received any more.
    func wipeKeys() {
        isEstablished = false
        handshake = nil
        keys.wipe()
    }
}
