import LRP2P
import Sodium

/// How fast libsodium encrypts: what one direction of a connection cannot exceed with one core on
/// each side.
enum AEADYardstick {
    /// Between two looks at the clock.
    private static let packetsPerRound = 256

    /// Plaintext bytes per second of one core that encrypts packets in place, as long as they are
    /// in a datagram of the given size.
    static func bytesPerSecond(datagramBytes: Int, for span: Duration) -> Double {
        let plaintextBytes = DataDatagram.plaintextBytes(in: datagramBytes)
        let key = DataDatagram.yardstickKey()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: plaintextBytes + ChaChaPoly.tagLength, alignment: 64)
        defer { buffer.deallocate() }
        Sodium.fillWithRandomBytes(buffer)
        let start = ContinuousClock.now
        var packets = 0
        repeat {
            for _ in 0..<packetsPerRound {
                _ = ChaChaPoly.seal(
                    buffer, plaintextLength: plaintextBytes, nonce: UInt64(packets), key: key)
                packets += 1
            }
        } while ContinuousClock.now - start < span
        return Double(packets * plaintextBytes) / (ContinuousClock.now - start).inSeconds
    }
}

/// The outside of a data datagram, as far as yardsticks have to be like it: connection id, nonce,
/// ciphertext, tag.
enum DataDatagram {
    static let headerBytes = 16

    static func plaintextBytes(in datagramBytes: Int) -> Int {
        datagramBytes - headerBytes - ChaChaPoly.tagLength
    }

    /// Two processes have to have the same one, and there is nothing to keep secret.
    static func yardstickKey() -> SecretBytes {
        Sodium.initialize()
        return SecretBytes(count: ChaChaPoly.keyLength) { _ in }
    }
}
