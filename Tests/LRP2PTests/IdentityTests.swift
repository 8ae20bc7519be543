import Testing

@testable import LRP2P

@Suite struct IdentityTests {
    /// The X25519 keys were computed from the seeds with Python, by RFC 8032 §5.1.5 and RFC 7748
    /// §5, and checked against the birational map of the Ed25519 public key.
    static let vectors: [(seed: [UInt8], publicKey: String, peerID: String)] = [
        (
            [UInt8](repeating: 0, count: 32),
            "5bf55c73b82ebe22be80f3430667af570fae2556a6415e6b30d4065300aa947d",
            "LfxwHRMxFyR4yqYDsPbRg29VxPLBUQqHWq"
        ),
        (
            [UInt8](0..<32),
            "4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01",
            "LTAKnEdYHQaQiUhwGRb7ZnQtisyaiTCSEr"
        ),
    ]

    @Test(arguments: vectors)
    func vector(seed: [UInt8], publicKey: String, peerID: String) throws {
        let identity = try Identity(seed: seed)
        #expect(hexadecimal(identity.publicKey) == publicKey)
        #expect(identity.peerID.description == peerID)
        #expect(identity.seed == seed)
    }

    @Test(arguments: [0, 31, 33, 64])
    func refusesOtherLengths(count: Int) {
        #expect(throws: IdentityError.wrongLength(count)) {
            try Identity(seed: [UInt8](repeating: 1, count: count))
        }
    }

    @Test func newOnesDiffer() {
        #expect(Set((0..<32).map { _ in Identity().peerID }).count == 32)
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
