import CSodium

/// AEAD_CHACHA20_POLY1305 (RFC 8439 §2.8).
public enum ChaChaPoly {
    /// Bytes of a key.
    public static let keyLength = 32
    /// Bytes by which a ciphertext is longer than its plaintext.
    public static let tagLength = 16

    /// Encrypts `plaintextLength` bytes at the start of `buffer` in place and appends the tag.
    ///
    /// - Parameters:
    ///   - buffer: has room for the plaintext and the tag.
    ///   - plaintextLength: bytes; may be 0.
    ///   - nonce: used as Noise does (§12.3): 32 zero bits, then 64 bits little-endian.
    ///     Never to be used twice with one key.
    ///   - associatedData: is authenticated and not encrypted.
    ///   - key: 32 bytes.
    /// - Returns: bytes of ciphertext, tag included.
    @inline(__always)
    public static func seal(
        _ buffer: UnsafeMutableRawBufferPointer, plaintextLength: Int, nonce: UInt64,
        associatedData: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        key: borrowing SecretBytes
    ) -> Int {
        precondition(key.count == keyLength && plaintextLength + tagLength <= buffer.count)
        var npub = noncePrefixed(nonce)
        let bytes = buffer.octets
        key.withUnsafeBytes { key in
            withUnsafeBytes(of: &npub) { npub in
                _ = crypto_aead_chacha20poly1305_ietf_encrypt(
                    bytes, nil, bytes, UInt64(plaintextLength),
                    associatedData.assumingMemoryBound(to: UInt8.self).baseAddress,
                    UInt64(associatedData.count), nil,
                    npub.octets,
                    key.octets)
            }
        }
        return plaintextLength + tagLength
    }

    /// Decrypts the whole of `buffer`, ciphertext and tag, in place.
    ///
    /// - Returns: bytes of plaintext at the start of the buffer, or `nil` when it is not authentic;
    ///   libsodium has zeroed what it would have decrypted then, so keep a copy to try it again.
    @inline(__always)
    public static func open(
        _ buffer: UnsafeMutableRawBufferPointer, nonce: UInt64,
        associatedData: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        key: borrowing SecretBytes
    ) -> Int? {
        precondition(key.count == keyLength)
        guard buffer.count >= tagLength else { return nil }
        var npub = noncePrefixed(nonce)
        let bytes = buffer.octets
        let status = key.withUnsafeBytes { key in
            withUnsafeBytes(of: &npub) { npub in
                crypto_aead_chacha20poly1305_ietf_decrypt(
                    bytes, nil, nil, bytes, UInt64(buffer.count),
                    associatedData.assumingMemoryBound(to: UInt8.self).baseAddress,
                    UInt64(associatedData.count),
                    npub.octets,
                    key.octets)
            }
        }
        return status == 0 ? buffer.count - tagLength : nil
    }
}

/// The 96-bit nonce in memory order.
@inline(__always)
private func noncePrefixed(_ nonce: UInt64) -> (UInt32, UInt32, UInt32) {
    let low = UInt32(truncatingIfNeeded: nonce), high = UInt32(truncatingIfNeeded: nonce >> 32)
    return (0, low.littleEndian, high.littleEndian)
}
