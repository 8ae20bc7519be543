import FoundationEssentials

/// What a gateway tells of one connection: the members that a client decides by.
public struct ConnectionDocument: Decodable, Sendable {
    public struct Send: Decodable, Sendable {
        /// Everything before has been taken by the gateway.
        public let acceptedOffset: UInt64
        /// Everything before has been acknowledged by the peer.
        public let acknowledgedOffset: UInt64
        public let bufferBytes: Int
        /// Nothing will be accepted any more.
        public let finished: Bool
    }

    public struct Receive: Decodable, Sendable {
        public struct Reader: Decodable, Sendable {
            /// Absent for the one of requests that name none.
            public let name: String?
            public let acknowledged: String
            public let acknowledgedOffset: UInt64
        }

        /// What all readers have acknowledged, as a cursor and as a position.
        public let acknowledged: String
        public let acknowledgedOffset: UInt64
        public let receivedOffset: UInt64
        /// The peer has ended its stream, and all of it was received.
        public let finished: Bool
        public let readers: [Reader]

        /// Where a reader without a name goes on.
        public var next: (cursor: String, offset: UInt64) {
            let own = readers.first { $0.name == nil }
            return own.map { ($0.acknowledged, $0.acknowledgedOffset) }
                ?? (acknowledged, acknowledgedOffset)
        }
    }

    public struct RoundTripTime: Decodable, Sendable {
        public let smoothedSeconds: Double?
        public let minimumSeconds: Double?
    }

    public struct Transport: Decodable, Sendable {
        public let congestionWindowPackets: Int
        public let peerWindowPackets: Int
        public let inFlightPackets: Int
        public let retransmits: [String: UInt64]
        public let limitedBy: String
    }

    public enum State: String, Decodable, Sendable, CaseIterable {
        case open, closed
    }

    public let id: String
    public let name: String?
    public let state: State
    public let direction: String
    public let peer: String
    public let remoteAddress: String
    public let closeReason: String?
    public let `protocol`: String
    public let receive: Receive
    /// What follows is absent of a connection that has survived a restart of the gateway.
    public let send: Send?
    public let rtt: RoundTripTime?
    public let transport: Transport?
}

/// What a gateway tells of itself.
public struct NodeDocument: Decodable, Sendable {
    public let peerId: String
    public let publicKey: String
    public let udpAddresses: [String]
    public let version: String
    public let uptimeSeconds: Double
}

/// How far a connection has come with what was sent.
public struct UploadReceipt: Decodable, Equatable, Sendable {
    public let acceptedOffset: UInt64
    public let acknowledgedOffset: UInt64
}

/// A document, and the bytes it was read from for whoever passes them on.
public struct Answered<Document: Sendable>: Sendable {
    public let document: Document
    public let bytes: [UInt8]
}

/// Bytes that the peer has sent.
public struct ReceivedBytes: Sendable {
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
