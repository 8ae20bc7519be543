import CSodium

/// BLAKE2b (RFC 7693) and HMAC over it (RFC 2104).
public enum BLAKE2b {
    /// Bytes of the full-length hash.
    public static let hashLength = 64
    /// Bytes of the block, the unit HMAC pads its key to.
    public static let blockLength = 128

    /// The hash of all parts, one after the other, without copying them together.
    ///
    /// - Parameters:
    ///   - parts: of any length; where one ends does not show in the hash.
    ///   - length: bytes of the result, 16 … 64. A shorter hash is no prefix of a longer.
    public static func hash(
        _ parts: UnsafeRawBufferPointer..., length: Int = hashLength
    ) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: length)
        result.withUnsafeMutableBytes { hash(parts, into: $0) }
        return result
    }

    /// Writes the hash of all parts; its length is that of the buffer, 16 … 64 bytes.
    public static func hash(
        _ parts: [UnsafeRawBufferPointer], into result: UnsafeMutableRawBufferPointer
    ) {
        precondition((16...hashLength).contains(result.count))
        let state = UnsafeMutableRawBufferPointer.allocate(
            byteCount: crypto_generichash_blake2b_statebytes(), alignment: 64)
        let context = OpaquePointer(state.octets)
        crypto_generichash_blake2b_init(context, nil, 0, result.count)
        for part in parts where part.count > 0 {
            crypto_generichash_blake2b_update(context, part.octets, UInt64(part.count))
        }
        crypto_generichash_blake2b_final(context, result.octets, result.count)
        Sodium.wipe(state)
        state.deallocate()
    }

    /// HMAC-BLAKE2b: 64 bytes. The key may be at most one block long, which every key here is.
    public static func authenticationCode(
        key: UnsafeRawBufferPointer, _ parts: [UnsafeRawBufferPointer],
        into result: UnsafeMutableRawBufferPointer
    ) {
        precondition(key.count <= blockLength && result.count == hashLength)
        var pad = [UInt8](repeating: 0, count: blockLength)
        var inner = [UInt8](repeating: 0, count: hashLength)
        defer {
            Sodium.wipe(&pad)
            Sodium.wipe(&inner)
        }
        for i in 0..<blockLength { pad[i] = (i < key.count ? key[i] : 0) ^ 0x36 }
        inner.withUnsafeMutableBytes { inner in
            pad.withUnsafeBytes { hash([$0] + parts, into: inner) }
        }
        for i in 0..<blockLength { pad[i] ^= 0x36 ^ 0x5c }
        inner.withUnsafeBytes { inner in
            pad.withUnsafeBytes { hash([$0, inner], into: result) }
        }
    }
}

/// SHA-256 (FIPS 180-4), for the checksum of Base58Check.
public enum SHA256 {
    /// The 32 bytes of the hash.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        crypto_hash_sha256(&result, bytes, UInt64(bytes.count))
        return result
    }
}
