import Sodium

/// Tells a peer that its connection is gone, without knowing anything of it (RFC 9000 §10.3).
///
/// Both sides of a handshake are told a token that only this node can compute, from the connection
/// id and a secret that survives a restart. A datagram that ends with the token ends the
/// connection; to anyone else it looks like noise.
struct StatelessReset: ~Copyable {
    static let tokenLength = 16
    /// The shortest reset: no first message of a handshake has that many bytes, and there is enough
    /// randomness before the token.
    static let minimumLength = 41
    /// The longest one; longer would only cost more.
    static let maximumLength = 64

    private static let keyLabel = "LRP2P stateless reset 1"
    /// Where the header field of the datagram stands; its first half is zero in a reset.
    private static let headerRange =
        WireFormat.connectionIDLength..<WireFormat.connectionIDLength + 4

    private let key: SecretBytes

    /// - Parameter staticKey: the node's private key. The secret is derived from it, so that it is
    ///   the same after a restart and does not have to be stored.
    init(staticKey: borrowing SecretBytes) {
        key = .derived(from: staticKey, label: Self.keyLabel)
    }

    /// What the peer of this connection is told in the handshake.
    borrowing func token(for id: ConnectionID) -> [UInt8] {
        var token = [UInt8](repeating: 0, count: Self.tokenLength)
        withUnsafeBytes(of: id.rawValue.bigEndian) { input in
            token.withUnsafeMutableBytes { BLAKE2b.keyedHash(key: key, input, into: $0) }
        }
        return token
    }

    /// The answer to a datagram of a connection we do not have; `nil` for one that gets none.
    ///
    /// Only extended packets are answered, a reset is none itself, and it is shorter than what it
    /// answers: two nodes that have both forgotten a connection fall silent (RFC 9000 §10.3.3).
    ///
    /// - Parameter random: fills a buffer with unpredictable bytes.
    borrowing func answer(
        to datagram: UnsafeRawBufferPointer, random: (UnsafeMutableRawBufferPointer) -> Void
    ) -> [UInt8]? {
        guard datagram.count > Self.minimumLength,
            datagram[WireFormat.connectionIDLength] & 0x80 != 0
        else { return nil }
        let token = token(for: ConnectionID(startOf: datagram))
        let length = min(datagram.count - 1, Self.maximumLength)
        var answer = [UInt8](repeating: 0, count: length)
        answer.withUnsafeMutableBytes { answer in
            answer.copyMemory(
                from: UnsafeRawBufferPointer(
                    rebasing: datagram[..<WireFormat.connectionIDLength]))
            let tokenStart = length - Self.tokenLength
            random(
                UnsafeMutableRawBufferPointer(
                    rebasing: answer[Self.headerRange.upperBound..<tokenStart]))
            UnsafeMutableRawBufferPointer(rebasing: answer[tokenStart...]).copyBytes(from: token)
        }
        return answer
    }

    /// Whether a datagram for a connection ends it: ask for one that could not be authenticated.
    /// Takes the same time wherever the tokens differ (RFC 9000 §10.3.1).
    static func isReset(_ datagram: UnsafeRawBufferPointer, token: [UInt8]) -> Bool {
        guard datagram.count >= minimumLength, token.count == tokenLength,
            datagram[headerRange].allSatisfy({ $0 == 0 })
        else { return false }
        return token.withUnsafeBytes { token in
            Sodium.areEqual(
                UnsafeRawBufferPointer(rebasing: datagram[(datagram.count - tokenLength)...]),
                token)
        }
    }
}

extension SecretBytes {
    /// 32 bytes that follow from the node's private key, and from which it does not follow.
    ///
    /// - Parameter label: a different one for each use.
    static func derived(from staticKey: borrowing SecretBytes, label: String) -> SecretBytes {
        var label = label
        return SecretBytes(count: 32) { bytes in
            label.withUTF8 { label in
                BLAKE2b.keyedHash(key: staticKey, UnsafeRawBufferPointer(label), into: bytes)
            }
        }
    }
}
