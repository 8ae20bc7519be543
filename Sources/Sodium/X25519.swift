import CSodium

/// Diffie–Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// Bytes of a private key, a public key and a shared secret.
    public static let keyLength = 32

    /// The public key that belongs to a private key of 32 bytes.
    public static func publicKey(for privateKey: borrowing SecretBytes) -> [UInt8] {
        precondition(privateKey.count == keyLength)
        var result = [UInt8](repeating: 0, count: keyLength)
        privateKey.withUnsafeBytes { key in
            // Fails for no input: the base point has full order and the scalar is clamped.
            _ = crypto_scalarmult_base(
                &result, key.octets)
        }
        return result
    }

    /// The secret that both sides compute from their own private and the other's public key.
    public static func sharedSecret(
        privateKey: borrowing SecretBytes, publicKey: [UInt8]
    ) throws(SodiumError) -> SecretBytes {
        precondition(privateKey.count == keyLength)
        guard publicKey.count == keyLength else {
            throw .wrongKeyLength(expected: keyLength, found: publicKey.count)
        }
        return try SecretBytes(count: keyLength) { secret throws(SodiumError) in
            let status = privateKey.withUnsafeBytes { key in
                crypto_scalarmult(
                    secret.octets,
                    key.octets, publicKey)
            }
            guard status == 0 else { throw .weakPublicKey }
        }
    }
}

/// Ed25519 (RFC 8032), as far as an identity needs it: its X25519 form.
public enum Ed25519 {
    /// Bytes of the seed that a key pair is made from.
    public static let seedLength = 32

    /// The X25519 private key of the identity with this seed.
    public static func keyAgreementKey(seed: borrowing SecretBytes) -> SecretBytes {
        precondition(seed.count == seedLength)
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_ed25519_PUBLICKEYBYTES))
        let secretKey = SecretBytes(count: Int(crypto_sign_ed25519_SECRETKEYBYTES)) { secret in
            seed.withUnsafeBytes { seed in
                _ = crypto_sign_ed25519_seed_keypair(
                    &publicKey, secret.octets,
                    seed.octets)
            }
        }
        return SecretBytes(count: X25519.keyLength) { result in
            secretKey.withUnsafeBytes { secret in
                _ = crypto_sign_ed25519_sk_to_curve25519(
                    result.octets,
                    secret.octets)
            }
        }
    }
}
