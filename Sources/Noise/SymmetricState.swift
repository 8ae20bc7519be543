import Sodium

/// The chaining key, the transcript hash and the current key of a handshake (Noise §5.2).
struct SymmetricState: ~Copyable {
    private static let protocolName = "Noise_XX_25519_ChaChaPoly_BLAKE2b"

    private(set) var chainingKey: SecretBytes
    private(set) var handshakeHash: [UInt8]
    /// Empty before the first Diffie–Hellman.
    private var key: SecretBytes
    private var nonce: UInt64 = 0

    init(prologue: [UInt8]) {
        // The name is shorter than a hash, so it is padded rather than hashed.
        let name = Array(Self.protocolName.utf8)
        handshakeHash = name + [UInt8](repeating: 0, count: BLAKE2b.hashLength - name.count)
        chainingKey = SecretBytes(copying: handshakeHash)
        key = SecretBytes(copying: [])
        mixHash(prologue)
    }

    private init(
        chainingKey: consuming SecretBytes, handshakeHash: [UInt8], key: consuming SecretBytes,
        nonce: UInt64
    ) {
        self.chainingKey = chainingKey
        self.handshakeHash = handshakeHash
        self.key = key
        self.nonce = nonce
    }

    /// A second state that can be tried and thrown away: a forged message must change nothing.
    borrowing func copy() -> SymmetricState {
        SymmetricState(
            chainingKey: chainingKey.copy(), handshakeHash: handshakeHash, key: key.copy(),
            nonce: nonce)
    }

    var hasKey: Bool { key.count > 0 }

    mutating func mixHash(_ data: [UInt8]) {
        handshakeHash = handshakeHash.withUnsafeBytes { hash in
            data.withUnsafeBytes { BLAKE2b.hash(hash, $0) }
        }
    }

    mutating func mixKey(_ inputKeyMaterial: borrowing SecretBytes) {
        let output = expand(inputKeyMaterial)
        chainingKey = output.first
        key = output.second.prefix(ChaChaPoly.keyLength)
        nonce = 0
    }

    mutating func encryptAndHash(_ plaintext: [UInt8]) -> [UInt8] {
        guard hasKey else {
            mixHash(plaintext)
            return plaintext
        }
        var buffer = plaintext + [UInt8](repeating: 0, count: ChaChaPoly.tagLength)
        _ = buffer.withUnsafeMutableBytes { buffer in
            handshakeHash.withUnsafeBytes {
                ChaChaPoly.seal(
                    buffer, plaintextLength: plaintext.count, nonce: nonce, associatedData: $0,
                    key: key)
            }
        }
        nonce += 1
        mixHash(buffer)
        return buffer
    }

    mutating func decryptAndHash(_ ciphertext: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard hasKey else {
            mixHash(ciphertext)
            return ciphertext
        }
        var buffer = ciphertext
        let length = buffer.withUnsafeMutableBytes { buffer in
            handshakeHash.withUnsafeBytes {
                ChaChaPoly.open(buffer, nonce: nonce, associatedData: $0, key: key)
            }
        }
        guard let length else { throw .authenticationFailed }
        nonce += 1
        mixHash(ciphertext)
        buffer.removeSubrange(length...)
        return buffer
    }

    /// The transport keys: the first encrypts from initiator to responder.
    borrowing func split(isInitiator: Bool) -> TransportKeys {
        let output = expand(SecretBytes(copying: []))
        let first = Self.cipher(from: output.first)
        let second = Self.cipher(from: output.second)
        return isInitiator
            ? TransportKeys(sending: first, receiving: second)
            : TransportKeys(sending: second, receiving: first)
    }

    private static func cipher(from output: borrowing SecretBytes) -> CipherState {
        CipherState(key: output.prefix(ChaChaPoly.keyLength))
    }

    private struct Expanded: ~Copyable {
        let first: SecretBytes
        let second: SecretBytes
    }

    /// HKDF with two outputs (Noise §4.3), the chaining key as salt.
    private borrowing func expand(_ inputKeyMaterial: borrowing SecretBytes) -> Expanded {
        let temporary = code(chainingKey, inputKeyMaterial, [])
        let first = code(temporary, SecretBytes(copying: []), [1])
        let second = code(temporary, first, [2])
        return Expanded(first: first, second: second)
    }

    private func code(
        _ key: borrowing SecretBytes, _ data: borrowing SecretBytes, _ counter: [UInt8]
    ) -> SecretBytes {
        SecretBytes(count: BLAKE2b.hashLength) { result in
            key.withUnsafeBytes { key in
                data.withUnsafeBytes { data in
                    counter.withUnsafeBytes { counter in
                        BLAKE2b.authenticationCode(key: key, [data, counter], into: result)
                    }
                }
            }
        }
    }
}
