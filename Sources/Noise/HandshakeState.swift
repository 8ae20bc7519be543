import Sodium

/// One side of `Noise_XX_25519_ChaChaPoly_BLAKE2b` (Noise §5.3, §7.5):
///
///     → e
///     ← e, ee, s, es
///     → s, se
///
/// Both sides learn each other's static key, and each proves that it holds its own. Whose key it
/// is, is for the caller to decide. Not thread-safe; a value with one owner.
public struct HandshakeState: ~Copyable {
    /// Bytes of message 1, 2 and 3 with empty payloads.
    public static let emptyMessageLengths = [32, 96, 64]

    private let isInitiator: Bool
    private let staticKey: SecretBytes
    private let staticPublicKey: [UInt8]
    private let ephemeralKey: SecretBytes
    private let ephemeralPublicKey: [UInt8]
    private var remoteEphemeralKey: [UInt8] = []
    /// The other side's static public key, empty until it has been received and authenticated.
    public private(set) var remoteStaticKey: [UInt8] = []
    private var symmetric: SymmetricState
    private var messageIndex = 0

    /// - Parameters:
    ///   - isInitiator: this side writes the first message.
    ///   - staticKey: the X25519 private key that this side is known by, 32 bytes.
    ///   - staticPublicKey: that of `staticKey`, if it is known already: to compute it costs as
    ///     much as a quarter of the handshake.
    ///   - ephemeralKey: 32 random bytes that are used for nothing else.
    ///   - prologue: data that both sides must agree on; LRP2P has none.
    public init(
        isInitiator: Bool, staticKey: consuming SecretBytes, staticPublicKey: [UInt8]? = nil,
        ephemeralKey: consuming SecretBytes, prologue: [UInt8] = []
    ) {
        self.isInitiator = isInitiator
        self.staticPublicKey = staticPublicKey ?? X25519.publicKey(for: staticKey)
        ephemeralPublicKey = X25519.publicKey(for: ephemeralKey)
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        symmetric = SymmetricState(prologue: prologue)
    }

    /// Whether all three messages have been written and read.
    public var isFinished: Bool { messageIndex == 3 }

    /// The hash of everything exchanged so far, 64 bytes; equal on both sides, and unique to this
    /// handshake once it is finished (Noise §11.2).
    public var handshakeHash: [UInt8] { symmetric.handshakeHash }

    private var isOurTurn: Bool { !isFinished && (messageIndex % 2 == 0) == isInitiator }

    /// The next message, ready to be sent. It can be sent again, never written again.
    public mutating func writeMessage(payload: [UInt8] = []) throws(NoiseError) -> [UInt8] {
        guard isOurTurn else { throw .outOfTurn }
        let length = Self.emptyMessageLengths[messageIndex] + payload.count
        guard length <= 65_535 else { throw .messageTooLong(length) }
        var message: [UInt8] = []
        switch messageIndex {
        case 0:
            message += ephemeralPublicKey
            symmetric.mixHash(ephemeralPublicKey)
        case 1:
            message += ephemeralPublicKey
            symmetric.mixHash(ephemeralPublicKey)
            try symmetric.mixSharedSecret(ephemeralKey, remoteEphemeralKey)
            message += symmetric.encryptAndHash(staticPublicKey)
            try symmetric.mixSharedSecret(staticKey, remoteEphemeralKey)
        default:
            message += symmetric.encryptAndHash(staticPublicKey)
            try symmetric.mixSharedSecret(staticKey, remoteEphemeralKey)
        }
        message += symmetric.encryptAndHash(payload)
        messageIndex += 1
        return message
    }

    /// Reads the other side's next message and returns its payload.
    ///
    /// A message that is refused changes nothing: anyone can send a forgery, and the true message
    /// may still come.
    public mutating func readMessage(
        _ message: UnsafeRawBufferPointer
    ) throws(NoiseError) -> [UInt8] {
        guard !isFinished, !isOurTurn else { throw .outOfTurn }
        let minimum = Self.emptyMessageLengths[messageIndex]
        guard message.count >= minimum else {
            throw .messageTooShort(minimum: minimum, found: message.count)
        }
        guard message.count <= 65_535 else { throw .messageTooLong(message.count) }
        var trial = symmetric.copy()
        var rest = Array(message)[...]
        var remoteEphemeralKey = remoteEphemeralKey
        var remoteStaticKey = remoteStaticKey
        if messageIndex < 2 {
            remoteEphemeralKey = Array(rest.prefix(X25519.keyLength))
            rest = rest.dropFirst(X25519.keyLength)
            trial.mixHash(remoteEphemeralKey)
        }
        if messageIndex == 1 {
            try trial.mixSharedSecret(ephemeralKey, remoteEphemeralKey)
        }
        if messageIndex > 0 {
            let length = X25519.keyLength + ChaChaPoly.tagLength
            remoteStaticKey = try trial.decryptAndHash(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
            // `es` for the initiator, `se` for the responder: our ephemeral, their static key.
            try trial.mixSharedSecret(ephemeralKey, remoteStaticKey)
        }
        let payload = try trial.decryptAndHash(Array(rest))
        symmetric = trial
        self.remoteEphemeralKey = remoteEphemeralKey
        self.remoteStaticKey = remoteStaticKey
        messageIndex += 1
        return payload
    }

    /// The transport keys. The state itself is of no more use then: let go of it, which wipes it.
    public borrowing func split() -> TransportKeys {
        precondition(isFinished, "the handshake is not finished")
        return symmetric.split(isInitiator: isInitiator)
    }
}

extension SymmetricState {
    fileprivate mutating func mixSharedSecret(
        _ privateKey: borrowing SecretBytes, _ publicKey: [UInt8]
    ) throws(NoiseError) {
        let secret: SecretBytes
        do {
            secret = try X25519.sharedSecret(privateKey: privateKey, publicKey: publicKey)
        } catch {
            throw NoiseError(error)
        }
        mixKey(secret)
    }
}
