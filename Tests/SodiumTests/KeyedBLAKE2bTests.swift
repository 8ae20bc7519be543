import Sodium
import Testing

/// Expected values were computed with Python's hashlib.
struct KeyedBLAKE2bTests {
    private func hash(_ input: [UInt8], length: Int) -> String {
        let key = SecretBytes(copying: (0..<32).map(UInt8.init))
        var result = [UInt8](repeating: 0, count: length)
        result.withUnsafeMutableBytes { result in
            input.withUnsafeBytes { BLAKE2b.keyedHash(key: key, $0, into: result) }
        }
        return result.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func matchesAnotherImplementation() {
        #expect(hash(Array("abc".utf8), length: 16) == "1a64be47e4729d951c302ee543f97cf3")
        #expect(
            hash([], length: 64)
                == "84bfa69f0d90df7db2a3ee026042988b5bd9caa2320af1f371823dd28351202f"
                + "8e6277c40c050711c8dd4e2c1ac30c34c9aed0bddd468b031287fe872675e0cc")
    }
}
