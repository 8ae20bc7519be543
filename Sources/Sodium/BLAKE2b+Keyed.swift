import CSodium

extension BLAKE2b {
    /// Writes the keyed hash (RFC 7693 §2.9): a message authentication code in one pass, where
    /// `authenticationCode` is the HMAC that Noise prescribes.
    ///
    /// - Parameters:
    ///   - key: 16 … 64 bytes.
    ///   - input: of any length, also none.
    ///   - result: 16 … 64 bytes. A shorter hash is no prefix of a longer.
    public static func keyedHash(
        key: borrowing SecretBytes, _ input: UnsafeRawBufferPointer,
        into result: UnsafeMutableRawBufferPointer
    ) {
        precondition((16...hashLength).contains(key.count))
        precondition((16...hashLength).contains(result.count))
        key.withUnsafeBytes { key in
            let status = crypto_generichash_blake2b(
                result.octets, result.count, input.isEmpty ? nil : input.octets,
                UInt64(input.count), key.octets, key.count)
            precondition(status == 0, "the lengths are right")
        }
    }
}
