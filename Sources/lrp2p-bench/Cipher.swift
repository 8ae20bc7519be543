import LRP2P
import Sodium

/// How fast libsodium encrypts and decrypts packets of one size: the yardstick of throughput.
enum CipherYardstick {
    /// Bytes per second of one core that encrypts and then decrypts each packet in place, for about
    /// as long as `time`.
    static func bytesPerSecond(packetBytes: Int, for time: Duration) -> Double {
        Sodium.initialize()
        let key = SecretBytes(count: ChaChaPoly.keyLength) { Sodium.fillWithRandomBytes($0) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: packetBytes + ChaChaPoly.tagLength, alignment: 64)
        defer { buffer.deallocate() }
        Sodium.fillWithRandomBytes(buffer)
        let start = ContinuousClock.now
        var packets = 0
        repeat {
            for _ in 0..<1000 {
                let nonce = UInt64(packets)
                let length = ChaChaPoly.seal(
                    buffer, plaintextLength: packetBytes, nonce: nonce, key: key)
                let ciphertext = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
                precondition(ChaChaPoly.open(ciphertext, nonce: nonce, key: key) == packetBytes)
                packets += 1
            }
        } while ContinuousClock.now - start < time
        return Double(packets * packetBytes) / (ContinuousClock.now - start).inSeconds
    }
}
