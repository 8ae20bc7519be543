import FoundationEssentials
import LRP2P

/// What `GET /v1/connections/{id}` tells. Lengths of time are in seconds, positions and sizes in
/// bytes unless the name says packets.
struct ConnectionDocument: Encodable {
    struct Send: Encodable {
        /// Everything before has been taken from the client.
        let acceptedOffset: UInt64
        /// Everything before has been acknowledged by the peer.
        let acknowledgedOffset: UInt64
        /// How much can be under way now; it grows with what the path takes.
        let bufferBytes: Int
        /// Nothing will be accepted any more.
        let finished: Bool
    }

    struct Receive: Encodable {
        struct Reader: Encodable {
            /// Absent for the one of requests that name none.
            let name: String?
            /// Everything before has been acknowledged by this reader.
            let acknowledged: String
            let acknowledgedOffset: UInt64
        }

        /// Cursors: everything before has been acknowledged by the reader; has been received.
        let acknowledged: String
        let received: String
        let acknowledgedOffset: UInt64
        let receivedOffset: UInt64
        /// The peer has ended its stream, and all of it was received.
        let finished: Bool
        let readers: [Reader]
    }

    struct RoundTripTime: Encodable {
        let latestSeconds: Double?
        let smoothedSeconds: Double?
        let variationSeconds: Double?
        let minimumSeconds: Double?
    }

    struct Transport: Encodable {
        let congestionControl: String
        /// Of a full datagram on this path now.
        let datagramBytes: Int
        let congestionWindowPackets: Int
        let slowStartThresholdPackets: Int?
        let peerWindowPackets: Int
        let localWindowPackets: Int
        let inFlightPackets: Int
        let packetsSent: UInt64
        let packetsReceived: UInt64
        let retransmits: [String: UInt64]
        let spuriousRetransmits: UInt64
        let duplicatesReceived: UInt64
        let limitedBy: String
        /// How often the peer has changed its keys.
        let keyPhase: UInt64
    }

    let id: String
    let name: String?
    let state: ConnectionState
    let direction: ConnectionDirection
    let peer: String
    let publicKey: String
    let remoteAddress: String
    let localAddress: String
    /// What follows only while this process knows the connection, and not of one that has survived
    /// in the spool.
    let send: Send?
    let rtt: RoundTripTime?
    let transport: Transport?
    let openedAt: Date
    let closedAt: Date?
    let closeReason: String?
    /// What the peer said when it reset the connection.
    let resetCode: UInt64?
    let `protocol`: TransportProtocol
    /// What both sides have agreed to speak.
    let applicationProtocol: String?
    let receive: Receive
    /// Only in the answer of `GET /v1/accept`.
    var nextAfter: String?

    init(_ connection: RegisteredConnection, localAddress: SocketAddress) {
        let transport = connection.transport, facts = connection.facts
        // The reason first: a connection told to be open must not be told to have ended.
        let reason = connection.closeReason
        id = connection.id
        name = connection.name
        state = reason == nil ? .open : .closed
        direction = connection.direction
        peer = connection.peer
        publicKey = facts.publicKey
        remoteAddress = connection.remoteAddress
        self.localAddress = localAddress.description
        openedAt = facts.openedAt
        closedAt = connection.closedAt
        closeReason = reason
        resetCode = transport?.resetCode?.rawValue ?? facts.resetCode
        `protocol` = facts.transportProtocol
        applicationProtocol = facts.applicationProtocol
        send = transport.map { Send($0, isClosed: reason != nil) }
        receive = Receive(connection.inbox)
        rtt = transport.map { RoundTripTime($0.statistics) }
        self.transport = transport.map { Transport($0.statistics, $0.congestionControl) }
    }
}

extension ConnectionDocument.Send {
    init(_ transport: PeerConnection, isClosed: Bool) {
        let sent = transport.sendRange
        acceptedOffset = sent.upperBound
        acknowledgedOffset = sent.lowerBound
        bufferBytes = transport.sendBufferBytes
        finished = transport.isWritingFinished || isClosed
    }
}

extension ConnectionDocument.Receive {
    init(_ inbox: Inbox) {
        finished = inbox.isFinished
        let range = inbox.range
        acknowledged = inbox.cursor(range.lowerBound).description
        received = inbox.cursor(range.upperBound).description
        acknowledgedOffset = range.lowerBound
        receivedOffset = range.upperBound
        readers = inbox.readerPositions.sorted { $0.key < $1.key }.map { name, position in
            Reader(
                name: name == ReaderTable.unnamed ? nil : name,
                acknowledged: inbox.cursor(position).description, acknowledgedOffset: position)
        }
    }
}

extension ConnectionDocument.RoundTripTime {
    init(_ statistics: ConnectionStatistics) {
        latestSeconds = statistics.latestRTT?.inSeconds
        smoothedSeconds = statistics.smoothedRTT?.inSeconds
        variationSeconds = statistics.rttVariation?.inSeconds
        minimumSeconds = statistics.minimumRTT?.inSeconds
    }
}

extension ConnectionDocument.Transport {
    init(_ statistics: ConnectionStatistics, _ algorithm: CongestionControlAlgorithm) {
        congestionControl = algorithm.rawValue
        datagramBytes = statistics.datagramBytes
        congestionWindowPackets = statistics.congestionWindowPackets
        slowStartThresholdPackets = statistics.slowStartThresholdPackets
        peerWindowPackets = statistics.peerWindowPackets
        localWindowPackets = statistics.localWindowPackets
        inFlightPackets = statistics.packetsInFlight
        packetsSent = statistics.packetsSent
        packetsReceived = statistics.packetsReceived
        retransmits = Dictionary(
            uniqueKeysWithValues: RetransmissionCause.allCases.map {
                ($0.rawValue, statistics.retransmissions(by: $0))
            })
        spuriousRetransmits = statistics.spuriousRetransmissions
        duplicatesReceived = statistics.duplicatesReceived
        limitedBy = statistics.limitedBy.rawValue
        keyPhase = statistics.keyPhase
    }
}

/// What both ends speak on the wire.
enum TransportProtocol: String, Codable {
    case extended, base
}
