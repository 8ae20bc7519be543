import FoundationEssentials

/// What a gateway tells of one connection: the members that a client decides by.
///
/// Lengths of time are in seconds, positions and sizes in bytes unless the name says packets.
/// Positions count from the beginning of the connection.
public struct ConnectionDocument: Decodable, Sendable {
    /// How far the stream to the peer has come.
    public struct Send: Decodable, Sendable {
        /// Everything before has been taken by the gateway.
        public let acceptedOffset: UInt64
        /// Everything before has been acknowledged by the peer.
        public let acknowledgedOffset: UInt64
        /// How much can be under way now; it grows with what the path takes.
        public let bufferBytes: Int
        /// Nothing will be accepted any more.
        public let finished: Bool
    }

    /// How far the stream from the peer has come, and who has read how much of it.
    public struct Receive: Decodable, Sendable {
        /// Somebody whom bytes are kept for until they are acknowledged.
        public struct Reader: Decodable, Sendable {
            /// Absent for the one of requests that name none.
            public let name: String?
            /// The cursor that this reader has acknowledged everything before.
            public let acknowledged: String
            /// The same as a position.
            public let acknowledgedOffset: UInt64
        }

        /// The cursor that all readers have acknowledged everything before; that is freed.
        public let acknowledged: String
        /// The same as a position.
        public let acknowledgedOffset: UInt64
        /// The end of what has been received.
        public let receivedOffset: UInt64
        /// The peer has ended its stream, and all of it was received.
        public let finished: Bool
        /// Those that bytes are kept for.
        public let readers: [Reader]

        /// Where a reader without a name goes on, as a cursor and as a position.
        public var next: (cursor: String, offset: UInt64) {
            let own = readers.first { $0.name == nil }
            return own.map { ($0.acknowledged, $0.acknowledgedOffset) }
                ?? (acknowledged, acknowledgedOffset)
        }
    }

    /// How long the way to the peer and back takes, in seconds; `nil` until that was measured.
    public struct RoundTripTime: Decodable, Sendable {
        /// The moving average (RFC 9002 §5.3).
        public let smoothedSeconds: Double?
        /// The least so far (RFC 9002 §5.2).
        public let minimumSeconds: Double?
    }

    /// What sending is held up by, and how much was lost. Windows are in packets.
    public struct Transport: Decodable, Sendable {
        /// How many packets the path may hold.
        public let congestionWindowPackets: Int
        /// How many packets the peer has room for.
        public let peerWindowPackets: Int
        /// Packets sent, and neither acknowledged nor given up as lost.
        public let inFlightPackets: Int
        /// How often something was sent again, by how the loss was noticed: `packet_threshold`,
        /// `time_threshold` or `probe_timeout` (RFC 9002 §6).
        public let retransmits: [String: UInt64]
        /// What the rate of sending depends on now: the path (`network`), the peer's buffer
        /// (`peer_window`), this side's unread one (`local_reader`), or that there is no more to
        /// send (`application`).
        public let limitedBy: String
    }

    /// Whether the connection is in use.
    public enum State: String, Decodable, Sendable, CaseIterable {
        /// An open one still speaks with its peer. A closed one does not; what it has received can
        /// be read until it is removed.
        case open, closed
    }

    /// What the gateway knows the connection by; calls about it take this.
    public let id: String
    /// As it was given to `connect` or `accept`; others may have the same.
    public let name: String?
    /// Whether it is open.
    public let state: State
    /// Who began the handshake, seen from the gateway: `inbound` or `outbound`.
    public let direction: String
    /// The peer's id: Base58Check of a hash of its public key.
    public let peer: String
    /// Where the peer is now, as `HOST:PORT`; behind a NAT this can change.
    public let remoteAddress: String
    /// Why it is closed, as a word that the HTTP API lists; absent while it is open.
    public let closeReason: String?
    /// What both ends speak on the wire: `extended` or `base`.
    public let `protocol`: String
    /// How far the stream from the peer has come.
    public let receive: Receive
    /// How far the stream to the peer has come; absent, as are the round-trip time and the
    /// transport, of a connection that has survived a restart of the gateway.
    public let send: Send?
    /// How long the way to the peer and back takes.
    public let rtt: RoundTripTime?
    /// What sending is held up by, and how much was lost.
    public let transport: Transport?
}

/// What a gateway tells of itself.
public struct NodeDocument: Decodable, Sendable {
    /// Who it is to its peers: Base58Check of a hash of its public key.
    public let peerId: String
    /// Its X25519 key, as 64 hexadecimal digits.
    public let publicKey: String
    /// Where peers reach it, the most useful one first.
    public let udpAddresses: [String]
    /// Which release it is.
    public let version: String
    /// Seconds since it began.
    public let uptimeSeconds: Double
}

/// How far a connection has come with what was sent, in bytes since it began.
public struct UploadReceipt: Decodable, Equatable, Sendable {
    /// Everything before has been taken by the gateway.
    public let acceptedOffset: UInt64
    /// Everything before has been acknowledged by the peer.
    public let acknowledgedOffset: UInt64
}

/// A document, and the bytes it was read from for whoever passes them on.
public struct Answered<Document: Sendable>: Sendable {
    /// What the answer says.
    public let document: Document
    /// The body of the answer as it came, in JSON, with members that the document leaves out.
    public let bytes: [UInt8]
}

/// Bytes that the peer has sent.
public struct ReceivedBytes: Sendable {
    /// In the order of the stream; empty when none came in time, or none follow.
    public let bytes: [UInt8]
    /// The cursor of what follows.
    public let next: String
    /// Nothing follows.
    public let isEnd: Bool
}

enum JSON {
    /// `nil` when the bytes are not such a document.
    static func decode<Document: Decodable>(
        _ type: Document.Type = Document.self, from bytes: [UInt8]
    ) -> Document? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(bytes))
    }

    static func encode(_ members: [String: String]) -> [UInt8] {
        // Strings can always be written.
        (try? JSONEncoder().encode(members)).map { [UInt8]($0) } ?? []
    }
}
