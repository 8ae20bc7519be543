import Sodium

/// Who this node is: a 32-byte Ed25519 seed, from which everything else is derived.
///
/// The X25519 form of the key pair authenticates the Noise handshake; its public half makes the
/// peer id. The seed is overwritten in memory when the last copy of the identity goes away.
public struct Identity: Sendable {
    /// Shared, so that copies of the identity do not multiply the secret.
    private final class Secret: Sendable {
        let seed: SecretBytes
        init(seed: consuming SecretBytes) { self.seed = seed }
    }

    private let secret: Secret
    /// The X25519 public key, 32 bytes.
    public let publicKey: [UInt8]
    /// The name of the public key, by which others know this node.
    public let peerID: PeerID

    /// A new random identity.
    public init() {
        Sodium.initialize()
        self.init(secret: SecretBytes(count: Ed25519.seedLength) {
            Sodium.fillWithRandomBytes($0)
        })
    }

    /// The identity with this seed. Wiping the array is up to the caller.
    public init(seed: [UInt8]) throws(IdentityError) {
        guard seed.count == Ed25519.seedLength else { throw .wrongLength(seed.count) }
        Sodium.initialize()
        self.init(secret: SecretBytes(copying: seed))
    }

    private init(secret seed: consuming SecretBytes) {
        secret = Secret(seed: seed)
        publicKey = X25519.publicKey(for: Ed25519.keyAgreementKey(seed: secret.seed))
        peerID = PeerID(publicKey: publicKey)
    }

    /// A copy of the seed, to store it. Secret: wipe it after use.
    public var seed: [UInt8] {
        secret.seed.withUnsafeBytes { Array($0) }
    }

    /// The X25519 private key.
    var keyAgreementKey: SecretBytes {
        Ed25519.keyAgreementKey(seed: secret.seed)
    }
}

/// Why there is no identity with this seed.
public enum IdentityError: Error, Equatable {
    /// A seed has 32 bytes, this one has another number.
    case wrongLength(Int)
}
