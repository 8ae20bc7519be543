/// What a connection keeps when both sides speak the extended protocol (PROTOCOL.md §3).
struct ExtendedTransport: Sendable {
    /// Ranges in our acknowledgements from which on it is worth a packet of the peer to learn that
    /// they have arrived.
    static let rangesWorthForgetting = 8

    /// What the peer has said of itself, with the features that both sides have.
    let peer: TransportParameters
    let idleTimeout: Interval?

    var features: TransportParameters.Features { peer.features }
    /// Chosen by the responder among what the initiator offered.
    var applicationProtocol: String? { peer.applicationProtocols.first }

    var received: ReceivedPackets
    var sendStream: SendStream
    var receiveStream: ReceiveStream
    var delivery = DeliveryReports()
    /// Whether it is us who reports.
    let reportsDelivery: Bool
    var path = PathValidation()
    var mtu: PathMTUDiscovery
    /// The largest packet number received.
    var largestReceived: UInt64?

    /// A packet of ours in flight that carries an acknowledgement, and what it acknowledged.
    var toldAcknowledgement: (number: UInt64, largest: UInt64)?
    var mustSendWindow = false
    var mustSendPing = false
    var isRemoteEndReported = false
    var isEndReported = false
    /// When both streams have ended, and how long answers to the peer are kept up.
    var lingersUntil: Instant?

    var outgoingMessages = MessageQueue()
    var incomingMessages = MessageQueue()
    /// Messages that had become too long for the path when it was their turn.
    var messagesTooLong: UInt64 = 0

    /// Congestion marks the peer has told of; `nil` once its counts made no sense (RFC 9000
    /// §13.4.2): the path does not carry marks, and none are sent.
    var ecn: ECNCounts?
    /// Marked packets sent, and the first of them.
    var markedSent: UInt64 = 0
    var firstMarked: UInt64 = 0

    /// - Parameters:
    ///   - peer: what the peer has said.
    ///   - own: what it was told of us.
    init(
        peer: TransportParameters = TransportParameters(),
        own: TransportParameters = TransportParameters()
    ) {
        self.peer = peer
        idleTimeout = switch (own.idleTimeout, peer.idleTimeout) {
        case (let ours?, let theirs?): min(ours, theirs)
        case (let ours, let theirs): ours ?? theirs
        }
        received = ReceivedPackets(
            threshold: own.acknowledgementThreshold,
            maximumDelay: own.maximumAcknowledgementDelay)
        reportsDelivery = own.reportsDelivery
        sendStream = SendStream(
            limit: peer.receiveLimit, awaitsDelivery: peer.reportsDelivery)
        receiveStream = ReceiveStream(limit: own.receiveLimit)
        mtu = PathMTUDiscovery(
            maximum: min(peer.maximumDatagram, own.maximumDatagram))
        ecn = features.contains(.explicitCongestionNotification) ? ECNCounts() : nil
    }
}

/// Why a connection was reset. Codes from `firstOfApplication` on are the application's.
public struct ResetCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64

    /// - Parameter rawValue: at most 2⁶² - 1.
    public init(rawValue: UInt64) {
        self.rawValue = min(rawValue, VariableLengthInteger.maximum)
    }

    /// The peer is done with it.
    public static let closed = ResetCode(rawValue: 0)
    /// More was sent than the window allowed.
    public static let flowControl = ResetCode(rawValue: 1)
    /// The stream has two ends, or goes on after its end.
    public static let finalSize = ResetCode(rawValue: 2)
    /// The peer may not be connected any more: it was taken off a list.
    public static let notAllowed = ResetCode(rawValue: 3)
    /// Codes from here on are the application's own.
    public static let firstOfApplication: UInt64 = 0x100
}
