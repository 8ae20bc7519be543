import LRP2P
import Sodium

/// How fast libsodium does the X25519 operations of a handshake.
struct KeyAgreementYardstick {
    /// Per second, on one core.
    let keyGenerations: Double
    let keyAgreements: Double

    /// Of one side of Noise XX: `e` is made once; `ee`, `es` and `se` are computed by both
    /// (Noise §7.5). The static key's public half is no part of a handshake: it can be kept.
    static let keyGenerationsPerSide = 1.0
    static let keyAgreementsPerSide = 3.0

    static func measure(for span: Duration) throws -> KeyAgreementYardstick {
        Sodium.initialize()
        let key = SecretBytes(count: X25519.keyLength) { Sodium.fillWithRandomBytes($0) }
        let publicKey = X25519.publicKey(for: key)
        return KeyAgreementYardstick(
            keyGenerations: perSecond(for: span / 2) { _ = X25519.publicKey(for: key) },
            keyAgreements: try perSecond(for: span / 2) {
                _ = try X25519.sharedSecret(privateKey: key, publicKey: publicKey)
            })
    }

    /// Handshakes per second of two processes, which do one side each, when nothing else costs
    /// anything.
    ///
    /// With a core for each the sides work at the same time, so the bound is that of one side;
    /// on a single core they share it.
    func handshakesPerSecond(cores: Int) -> Double {
        let secondsPerSide = Self.keyGenerationsPerSide / keyGenerations
            + Self.keyAgreementsPerSide / keyAgreements
        return Double(min(2, max(1, cores))) / 2 / secondsPerSide
    }

    private static func perSecond(
        for span: Duration, _ operation: () throws -> Void
    ) rethrows -> Double {
        let start = ContinuousClock.now
        var count = 0
        repeat {
            for _ in 0..<16 { try operation() }
            count += 16
        } while ContinuousClock.now - start < span
        return Double(count) / (ContinuousClock.now - start).inSeconds
    }
}
