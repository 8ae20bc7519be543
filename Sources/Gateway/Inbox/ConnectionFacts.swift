import FoundationEssentials
import LRP2P

/// What is known of a connection for good, and outlives this process where there is a spool.
struct ConnectionFacts: Codable, Equatable, Sendable {
    /// Made here; unrelated to anything on the wire.
    let id: String
    var name: String?
    let peer: String
    /// Hexadecimal.
    let publicKey: String
    let direction: ConnectionDirection
    let transportProtocol: TransportProtocol
    let applicationProtocol: String?
    /// When it began.
    let remoteAddress: String
    let openedAt: Date
    /// Of the receive cursors.
    let epoch: Epoch
    /// Why and when it ended, once it has.
    var closeReason: String?
    var closedAt: Date?
    var resetCode: UInt64?

    /// Of a connection that was open when the process that had it ended without a word.
    static let lostReason = "gateway_restart"

    init(id: String, name: String?, transport: PeerConnection) {
        self.id = id
        self.name = name
        // Made once: it takes a hash and a big division.
        peer = transport.remotePeerID.description
        publicKey = Hex.encode(transport.remotePublicKey)
        direction = transport.role == .initiator ? .outbound : .inbound
        transportProtocol = transport.isExtended ? .extended : .base
        applicationProtocol = transport.applicationProtocol
        remoteAddress = transport.remoteAddress.description
        openedAt = Date()
        epoch = .random()
    }

    /// As kept in the spool.
    var encoded: [UInt8] {
        // Strings, numbers and dates: there is nothing that JSON could not hold.
        (try? JSONEncoder().encode(self)).map { [UInt8]($0) } ?? []
    }

    /// `nil` when the spool holds something else.
    init?(encoded: [UInt8]) {
        guard let facts = try? JSONDecoder().decode(Self.self, from: Data(encoded)) else {
            return nil
        }
        self = facts
    }
}
