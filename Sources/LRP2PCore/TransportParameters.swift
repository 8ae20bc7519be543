/// What one side tells the other in its handshake payload.
///
/// A value that was parsed is within the ranges given here, whatever the peer has sent.
struct TransportParameters: Equatable, Sendable {
    /// What goes beyond the base protocol. Unknown bits are kept, and lost in an intersection.
    struct Features: OptionSet, Hashable, Sendable {
        let rawValue: UInt64
        /// Packets of frames, acknowledged by ranges of packet numbers. The others need it.
        static let extendedTransport = Features(rawValue: 1 << 0)
        /// Unreliable messages.
        static let datagrams = Features(rawValue: 1 << 1)
        /// Path validation, and so connections that survive a change of address.
        static let pathValidation = Features(rawValue: 1 << 2)
        /// ECN counts in acknowledgements.
        static let explicitCongestionNotification = Features(rawValue: 1 << 3)
    }

    /// Bytes of UDP payload that a peer may receive at most, in 1,200 … 65,507. Less is not
    /// believed, more is not possible over IPv4.
    static let maximumDatagramRange = 1200...65_507
    /// For a peer that does not say, or says too little.
    static let defaultMaximumDatagram = WireFormat.initialDatagram
    /// RFC 9000 §13.2.2 and §18.2 give both defaults.
    static let defaultAcknowledgementThreshold = 2
    static let defaultAcknowledgementDelay = Interval.milliseconds(25)
    /// Beyond this a delay would only make loss recovery wait.
    static let longestAcknowledgementDelay = Interval.seconds(1)
    /// A shorter idle timeout would end connections between two round trips.
    static let shortestIdleTimeout = Interval.seconds(1)
    /// Names that are read from one payload; further ones are ignored.
    static let maximumApplicationProtocols = 16
    /// Bytes of one name, as UTF-8.
    static let applicationProtocolLength = 1...255
    static let addressCookieLength = 1...64

    var features: Features = []
    /// Bytes of the largest datagram its sender can receive.
    var maximumDatagram = defaultMaximumDatagram
    /// Stream bytes that may be sent to its sender before the first WINDOW frame; ≤ 2⁶² - 1.
    var receiveLimit: UInt64 = 0
    /// Ack-eliciting packets that its sender acknowledges together, 1 … 255.
    var acknowledgementThreshold = defaultAcknowledgementThreshold
    /// How long its sender waits with an acknowledgement, 0 … 1 s in whole microseconds.
    var maximumAcknowledgementDelay = defaultAcknowledgementDelay
    /// Silence after which its sender gives up, at least 1 s in whole milliseconds; or never.
    var idleTimeout: Interval?
    /// 16 bytes that end a stateless reset of this connection.
    var statelessResetToken: [UInt8]?
    /// In an offer, names in order of preference; in an answer, the chosen one or none.
    var applicationProtocols: [String] = []
    /// What its sender has received counts as delivered when a DELIVERED frame says so, and not by
    /// the acknowledgement of the packets.
    var reportsDelivery = false
    /// Proves in message 1 that its sender receives what is sent to its address.
    var addressCookie: [UInt8]?

    /// What a responder answers: its own parameters, the features both sides have, and the first
    /// application protocol of its own preference that was offered.
    ///
    /// An initiator applies the same to the answer it gets, so that no peer can answer with more
    /// than it was offered.
    static func answer(
        to offer: TransportParameters, with own: TransportParameters
    ) -> TransportParameters {
        var answer = own
        answer.features.formIntersection(offer.features)
        if !answer.features.contains(.extendedTransport) { answer.features = [] }
        // Names are bytes: no two spellings are the same, however they look.
        let chosen = own.applicationProtocols.first { name in
            offer.applicationProtocols.contains { $0.utf8.elementsEqual(name.utf8) }
        }
        answer.applicationProtocols = chosen.map { [$0] } ?? []
        answer.addressCookie = nil
        return answer
    }
}
