import Sodium

/// The name of a peer: short, typo-proof, and derived from its public key, so that it cannot be
/// claimed by anyone who lacks the private one.
///
/// Base58Check over a version byte (0x30, which makes the text start with `L`), the BLAKE2b-160
/// hash of the X25519 public key, and the first four bytes of the double SHA-256 of both.
public struct PeerID: Hashable, Sendable, CustomStringConvertible {
    private static let version: UInt8 = 0x30
    private static let hashBytes = 20
    private static let checksumBytes = 4
    /// Longest text that is looked at; a valid one has 34 characters.
    private static let maximumTextBytes = 64

    private let hash: [UInt8]

    /// - Parameter publicKey: X25519, 32 bytes.
    public init(publicKey: [UInt8]) {
        Sodium.initialize()
        hash = publicKey.withUnsafeBytes { BLAKE2b.hash($0, length: PeerID.hashBytes) }
    }

    /// Parses the text form; `nil` when its alphabet, length, version or checksum is wrong.
    public init?(_ text: String) {
        guard text.utf8.count <= PeerID.maximumTextBytes, let bytes = Base58.decode(text),
            bytes.count == 1 + PeerID.hashBytes + PeerID.checksumBytes,
            bytes[0] == PeerID.version
        else { return nil }
        let body = bytes.dropLast(PeerID.checksumBytes)
        guard PeerID.checksum(of: Array(body)) == bytes.suffix(PeerID.checksumBytes) else {
            return nil
        }
        hash = Array(body.dropFirst())
    }

    public var description: String {
        let body = [PeerID.version] + hash
        return Base58.encode(body + PeerID.checksum(of: body))
    }

    private static func checksum(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        Sodium.initialize()
        return SHA256.hash(SHA256.hash(bytes)).prefix(checksumBytes)
    }
}
