import Sodium

/// Why a handshake message could not be written or read.
public enum NoiseError: Error, Equatable {
    /// Shorter than the message of this turn can be.
    case messageTooShort(minimum: Int, found: Int)
    /// Longer than 65,535 bytes (Noise §3).
    case messageTooLong(Int)
    /// Not encrypted by someone who took part in this handshake so far.
    case authenticationFailed
    /// The other side's public key has small order.
    case weakPublicKey
    /// It is the other side's turn, or the handshake is over.
    case outOfTurn

    init(_ error: SodiumError) {
        switch error {
        case .weakPublicKey: self = .weakPublicKey
        case .wrongKeyLength, .authenticationFailed: self = .authenticationFailed
        }
    }
}
