/// Whether the peer is where its packets come from (RFC 9000 §8.2, §9).
///
/// An address is believed only when a challenge sent to it has come back: anyone can put another's
/// address on a packet that was copied on the way. Until then it gets no more than three times
/// what came from it, and if it never answers, the last validated address counts again.
struct PathValidation: Sendable {
    /// Probe timeouts, each with a challenge, before a path is given up (RFC 9000 §8.2.4).
    private static let maximumChallenges = 3

    /// Where to return to; `nil` while the present address is validated.
    private(set) var validated: SocketAddress?
    /// Bytes that may still be sent to an address that is not validated.
    private var credit = 0
    private var challenge: UInt64 = 0
    private var mustSendChallenge = false
    private var challengesLeft = 0
    /// When the next challenge is sent, or the path given up; whether or not the last one could
    /// leave: an address that is not validated may have no credit for it.
    private(set) var deadline = Instant.distantFuture
    /// The challenge of the peer that must be answered.
    private var response: UInt64?

    var isValidated: Bool { validated == nil }

    /// Bytes that one datagram may have.
    var room: Int { isValidated ? .max : max(0, credit) }

    var hasFrame: Bool { mustSendChallenge || response != nil }
    /// One of a few: it must not wait for packets in flight, which may be lost on the path before.
    var hasChallenge: Bool { mustSendChallenge }

    /// The newest packet came from another address than before.
    ///
    /// - Parameter former: the address before, which may itself not be validated.
    mutating func begin(
        from former: SocketAddress, challenge: UInt64, probeTimeout: Interval, now: Instant
    ) {
        if validated == nil { validated = former }
        self.challenge = challenge
        credit = 0
        challengesLeft = Self.maximumChallenges
        mustSendChallenge = true
        deadline = now + probeTimeout
    }

    /// The newest packet comes from the validated address again.
    mutating func returnToValidated() {
        validated = nil
        mustSendChallenge = false
        deadline = .distantFuture
    }

    @inline(__always)
    mutating func didReceive(bytes: Int) {
        if !isValidated { credit += bytes * WireFormat.amplificationLimit }
    }

    @inline(__always)
    mutating func didSend(bytes: Int) {
        if !isValidated { credit -= bytes }
    }

    mutating func didReceiveChallenge(_ data: UInt64) {
        response = data
    }

    /// Returns whether the address is validated by this, and was not before.
    mutating func didReceiveResponse(_ data: UInt64) -> Bool {
        guard !isValidated, data == challenge else { return false }
        returnToValidated()
        return true
    }

    /// Takes the frames that must be sent. Returns whether there was room for any.
    mutating func writeFrames(to writer: inout FrameWriter) -> Bool {
        let before = writer.count
        if mustSendChallenge, writer.writePathChallenge(challenge) { mustSendChallenge = false }
        if let data = response, writer.writePathResponse(data) { response = nil }
        return writer.count > before
    }

    /// The challenge was not answered in time. Returns the address to go back to when the last one
    /// was not.
    mutating func handleTimeout(probeTimeout: Interval, now: Instant) -> SocketAddress? {
        guard deadline <= now else { return nil }
        challengesLeft -= 1
        if challengesLeft > 0 {
            mustSendChallenge = true
            deadline = now + probeTimeout
            return nil
        }
        defer { returnToValidated() }
        return validated
    }
}
