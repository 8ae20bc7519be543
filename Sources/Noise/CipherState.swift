import Sodium

/// A transport key of one direction (Noise §5.1), with the nonce given for each message.
///
/// LRP2P carries the nonce in every datagram, since datagrams get lost and change places
/// (Noise §11.4); keeping it unique is the caller's duty.
public struct CipherState: ~Copyable {
    /// Bytes by which a ciphertext is longer than its plaintext.
    public static let tagLength = ChaChaPoly.tagLength

    let key: SecretBytes

    init(key: consuming SecretBytes) {
        self.key = key
    }

    /// Holds the place of a key that is not known yet; using it traps.
    public static var unusable: CipherState { CipherState(key: SecretBytes(copying: [])) }

    /// Takes a copy of a key of 32 bytes, for tests against recorded exchanges.
    public init(keyBytes: [UInt8]) {
        precondition(keyBytes.count == ChaChaPoly.keyLength)
        key = SecretBytes(copying: keyBytes)
    }

    /// Encrypts the first `plaintextLength` bytes of the buffer in place and appends the tag.
    /// Returns the bytes of ciphertext.
    @inline(__always)
    public borrowing func encrypt(
        _ buffer: UnsafeMutableRawBufferPointer, plaintextLength: Int, nonce: UInt64
    ) -> Int {
        ChaChaPoly.seal(buffer, plaintextLength: plaintextLength, nonce: nonce, key: key)
    }

    /// Decrypts the whole buffer in place. Returns the bytes of plaintext, or `nil` when it is not
    /// authentic; its contents are lost then.
    @inline(__always)
    public borrowing func decrypt(_ buffer: UnsafeMutableRawBufferPointer, nonce: UInt64) -> Int? {
        ChaChaPoly.open(buffer, nonce: nonce, key: key)
    }

    /// The key that follows this one (Noise §4.2, `REKEY`): what encrypting zeros under the highest
    /// nonce gives. Who learns it does not learn this one.
    public borrowing func rekeyed() -> CipherState {
        let following = SecretBytes(count: ChaChaPoly.keyLength + ChaChaPoly.tagLength) { buffer in
            _ = ChaChaPoly.seal(
                buffer, plaintextLength: ChaChaPoly.keyLength, nonce: .max, key: key)
        }
        return CipherState(key: following.prefix(ChaChaPoly.keyLength))
    }

    /// Whether this is the given key; the comparison takes the same time wherever they differ.
    public borrowing func hasKey(_ bytes: [UInt8]) -> Bool {
        key.withUnsafeBytes { key in bytes.withUnsafeBytes { Sodium.areEqual(key, $0) } }
    }
}

/// The two keys a finished handshake leaves (Noise §5.2, `Split`).
public struct TransportKeys: ~Copyable {
    /// For what this side sends.
    public let sending: CipherState
    /// For what the other side sends.
    public let receiving: CipherState

    /// Both keys at once, each with an owner of its own.
    public consuming func take<R: ~Copyable>(
        _ body: (consuming CipherState, consuming CipherState) -> R
    ) -> R {
        body(sending, receiving)
    }
}
