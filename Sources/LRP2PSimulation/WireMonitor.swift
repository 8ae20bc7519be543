/// What a datagram is, told from its outside.
enum WireKind {
    /// The number of the handshake message, 1 ... 3.
    case handshake(Int)
    case data(nonce: UInt64)
}

/// Checks every datagram of one host against the base protocol's outside (PROTOCOL.md §1 and §2).
struct WireMonitor {
    private struct Flow {
        var nextNonce: UInt64 = 0
        /// The messages sent so far, by their number.
        var handshake: [Int: [UInt8]] = [:]
    }

    /// Sizes of the messages with empty payloads, and the smallest data datagram: connection id,
    /// nonce and tag around an empty plaintext.
    static let messageLengths = [40: 1, 104: 2, 72: 3]
    static let minimumDataLength = 32
    static let maximumLength = 1400

    private var flows: [UInt64: Flow] = [:]

    static func connectionID(of bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    mutating func check(_ bytes: UnsafeRawBufferPointer) throws(InvariantViolation) -> WireKind {
        guard bytes.count <= Self.maximumLength else {
            throw InvariantViolation("sent a datagram of \(bytes.count) bytes, above 1400")
        }
        guard bytes.count >= Self.minimumDataLength, let id = Self.connectionID(of: bytes) else {
            throw InvariantViolation("sent a datagram of \(bytes.count) bytes, which crashes a "
                + "reference peer or means nothing to it (PROTOCOL.md §2, hazard 2)")
        }
        var flow = flows[id] ?? Flow()
        defer { flows[id] = flow }
        let nonce = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        if nonce == flow.nextNonce, !flow.handshake.isEmpty {
            flow.nextNonce += 1
            return .data(nonce: nonce)
        }
        guard let message = Self.messageLengths[bytes.count] else {
            throw InvariantViolation("sent a datagram of \(bytes.count) bytes with nonce \(nonce) "
                + "where \(flow.nextNonce) was due")
        }
        if let former = flow.handshake[message], !former.elementsEqual(bytes), message != 2 {
            throw InvariantViolation("repeated handshake message \(message) with other content")
        }
        flow.handshake[message] = Array(bytes)
        return .handshake(message)
    }
}
