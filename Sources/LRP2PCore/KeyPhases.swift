import Noise

/// The keys of a connection, which change from time to time (RFC 9001 §6 with the REKEY of
/// Noise §4.2).
///
/// Both directions change together: who receives the first packet of a new phase follows. The
/// parity of a phase is in each packet of the extended protocol; the base protocol stays in its
/// first phase.
struct KeyPhases: ~Copyable {
    private var sending = CipherState.unusable
    private var receiving = CipherState.unusable
    /// Ready before it is needed: who tries it must not cause more work than who tries another.
    private var nextReceiving = CipherState.unusable
    /// For packets that a change has overtaken.
    private var previousReceiving = CipherState.unusable
    private var sendingPhase: UInt64 = 0
    private(set) var receivingPhase: UInt64 = 0
    /// The first packet sent, and the lowest received, in the present phase.
    private var firstSent: UInt64 = 0
    private var firstReceived: UInt64 = 0
    private var isAcknowledged = false
    private(set) var startedAt = Instant(nanoseconds: 0)

    mutating func install(_ keys: consuming TransportKeys, now: Instant) {
        keys.take { sending, receiving in
            self.nextReceiving = receiving.rekeyed()
            self.sending = sending
            self.receiving = receiving
        }
        startedAt = now
    }

    mutating func wipe() {
        sending = .unusable
        receiving = .unusable
        nextReceiving = .unusable
        previousReceiving = .unusable
    }

    /// The parity to be told in what is sent.
    var isSendingPhaseOdd: Bool { sendingPhase & 1 == 1 }

    @inline(__always)
    mutating func encrypt(
        _ buffer: UnsafeMutableRawBufferPointer, plaintextLength: Int, number: UInt64
    ) -> Int {
        sending.encrypt(buffer, plaintextLength: plaintextLength, nonce: number)
    }

    /// Decrypts in place with the key of the packet's phase; `nil` when it is not authentic.
    @inline(__always)
    mutating func decrypt(
        _ ciphertext: UnsafeMutableRawBufferPointer, number: UInt64, isPhaseOdd: Bool, now: Instant
    ) -> Int? {
        if isPhaseOdd == (receivingPhase & 1 == 1) {
            return receiving.decrypt(ciphertext, nonce: number)
        }
        if number < firstReceived {
            guard receivingPhase > 0 else { return nil }
            return previousReceiving.decrypt(ciphertext, nonce: number)
        }
        guard let length = nextReceiving.decrypt(ciphertext, nonce: number) else { return nil }
        advanceReceiving(from: number, now: now)
        return length
    }

    private mutating func advanceReceiving(from number: UInt64, now: Instant) {
        let following = nextReceiving.rekeyed()
        swap(&previousReceiving, &receiving)
        swap(&receiving, &nextReceiving)
        nextReceiving = following
        receivingPhase += 1
        firstReceived = number
        startedAt = now
    }

    /// Follows the peer into a phase that it has begun. Call before each packet is sent.
    @inline(__always)
    mutating func followPeer(number: UInt64) {
        if sendingPhase < receivingPhase { advanceSending(number: number) }
    }

    private mutating func advanceSending(number: UInt64) {
        sending = sending.rekeyed()
        sendingPhase += 1
        firstSent = number
        isAcknowledged = false
    }

    /// The peer has received the packet.
    mutating func didAcknowledge(_ number: UInt64) {
        if number >= firstSent { isAcknowledged = true }
    }

    /// Whether the present phase has lasted long enough.
    @inline(__always)
    func isOld(
        number: UInt64, maximumPackets: UInt64, maximumAge: Interval, now: Instant
    ) -> Bool {
        number - firstSent >= maximumPackets || now - startedAt >= maximumAge
    }

    /// Begins a new phase with the packet `number`, if the peer is known to be in the present one
    /// (RFC 9001 §6.1) and packets from before that are no longer under way.
    mutating func change(number: UInt64, settlingTime: Interval, now: Instant) {
        guard isAcknowledged, sendingPhase == receivingPhase, now - startedAt >= settlingTime
        else { return }
        advanceSending(number: number)
        startedAt = now
    }
}
