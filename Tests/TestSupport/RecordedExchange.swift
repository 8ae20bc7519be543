import Foundation

/// An exchange between two reference peers with all their keys, from `Tests/Fixtures`.
public struct RecordedExchange: Decodable, Sendable {
    public let connectionID: Hex
    public let initiatorStaticPrivate: Hex
    public let initiatorEphemeralPrivate: Hex
    public let responderStaticPrivate: Hex
    public let responderEphemeralPrivate: Hex
    public let handshakeHash: Hex
    public let initiatorToResponderKey: Hex
    public let responderToInitiatorKey: Hex
    public let datagrams: [Datagram]

    public struct Datagram: Decodable, Sendable {
        public let direction: String
        public let droppedInTransit: Bool
        public let datagram: Hex
        public let handshakeMessage: Int?
        public let nonce: UInt64?
        public let segment: Hex?
        public let dataOffset: Int?
        public let flags: UInt8?
        public let sequenceNumber: UInt32?
        public let payloadLength: Int?
        public let window: Int?
        public let ackedSequenceNumber: UInt32?

        public var isFromInitiator: Bool { direction == "initiator-to-responder" }

        enum CodingKeys: String, CodingKey {
            case direction, datagram, nonce, segment, flags, window
            case droppedInTransit = "dropped_in_transit"
            case handshakeMessage = "handshake_message"
            case dataOffset = "data_offset"
            case sequenceNumber = "sequence_number"
            case payloadLength = "payload_length"
            case ackedSequenceNumber = "acked_sequence_number"
        }
    }

    enum CodingKeys: String, CodingKey {
        case datagrams
        case connectionID = "connection_id"
        case initiatorStaticPrivate = "initiator_static_private"
        case initiatorEphemeralPrivate = "initiator_ephemeral_private"
        case responderStaticPrivate = "responder_static_private"
        case responderEphemeralPrivate = "responder_ephemeral_private"
        case handshakeHash = "handshake_hash"
        case initiatorToResponderKey = "initiator_to_responder_key"
        case responderToInitiatorKey = "responder_to_initiator_key"
    }

    /// The names of all recordings.
    public static let names = ["reference-hello", "reference-loss"]

    public static func named(_ name: String) throws -> RecordedExchange {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appending(path: "Fixtures/\(name).json")
        return try JSONDecoder().decode(RecordedExchange.self, from: Data(contentsOf: file))
    }
}

/// Bytes written as hexadecimal digits.
public struct Hex: Decodable, Sendable {
    public let bytes: [UInt8]

    public init(_ text: String) {
        let digits = text.utf8.map { UInt8(ascii: "a") <= $0 ? $0 - 87 : $0 - 48 }
        bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    public init(from decoder: Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
}
