import Sodium
import Testing

/// Expected values were computed with other implementations (Python's hashlib, hmac, OpenSSL).
struct SodiumTests {
    private let countingUp = (0..<32).map(UInt8.init)

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func keyAgreement() throws {
        let alice = SecretBytes(copying: countingUp)
        let bob = SecretBytes(copying: (32..<64).map(UInt8.init))
        let alicePublic = X25519.publicKey(for: alice)
        #expect(
            hex(alicePublic) == "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f")
        let secret = try X25519.sharedSecret(privateKey: bob, publicKey: alicePublic)
        #expect(
            secret.withUnsafeBytes { hex($0) }
                == "9663aa1da97e848a914a436d04163dfbb89178f107f1b5b77ed3854203382854")
    }

    @Test func keyAgreementRefusesBadKeys() {
        let key = SecretBytes(copying: countingUp)
        #expect(throws: SodiumError.weakPublicKey) {
            _ = try X25519.sharedSecret(
                privateKey: key, publicKey: [UInt8](repeating: 0, count: 32))
        }
        #expect(throws: SodiumError.wrongKeyLength(expected: 32, found: 31)) {
            _ = try X25519.sharedSecret(
                privateKey: key, publicKey: [UInt8](repeating: 9, count: 31))
        }
    }

    @Test func identityKeyBecomesKeyAgreementKey() {
        let key = Ed25519.keyAgreementKey(seed: SecretBytes(copying: countingUp))
        #expect(
            key.withUnsafeBytes { hex($0) }
                == "3894eea49c580aef816935762be049559d6d1440dede12e6a125f1841fff8e6f")
    }

    @Test func hashes() {
        let abc = Array("abc".utf8)
        abc.withUnsafeBytes { abc in
            #expect(
                hex(BLAKE2b.hash(abc, length: 20)) == "384264f676f39536840523f284921cdc68b6846b")
            let whole = BLAKE2b.hash(abc)
            #expect(
                hex(whole) == "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                    + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923")
            let parts = BLAKE2b.hash(
                UnsafeRawBufferPointer(rebasing: abc[..<1]),
                UnsafeRawBufferPointer(rebasing: abc[1...]))
            #expect(parts == whole)
        }
        #expect(
            hex(SHA256.hash(abc))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func authenticationCode() {
        var code = [UInt8](repeating: 0, count: 64)
        code.withUnsafeMutableBytes { code in
            Array("key".utf8).withUnsafeBytes { key in
                Array("The quick brown fox".utf8).withUnsafeBytes {
                    BLAKE2b.authenticationCode(key: key, [$0], into: code)
                }
            }
        }
        #expect(
            hex(code) == "5c169e8a18362381efbc0f688fa1d48e99f2bd5885a19c29943e28b43d566f33"
                + "0555d6c37a277cd4cbb1deca561f377c02f0d5388c6e1efd6e97de2bd8b2d678")
    }

    @Test func sealAndOpen() {
        let key = SecretBytes(copying: countingUp)
        var buffer = Array("plaintext".utf8) + [UInt8](repeating: 0, count: 16)
        buffer.withUnsafeMutableBytes { buffer in
            Array("ad".utf8).withUnsafeBytes { data in
                let sealed = ChaChaPoly.seal(
                    buffer, plaintextLength: 9, nonce: 0x0102_0304_0506_0708,
                    associatedData: data, key: key)
                #expect(sealed == 25)
                #expect(hex(buffer) == "8025cc8dc54d8f60103e7e819eb0bd7038589e31a887feb4fd")
                let sealedBytes = Array(buffer)
                for position in buffer.indices {
                    buffer.copyBytes(from: sealedBytes)
                    buffer[position] ^= 1
                    #expect(
                        ChaChaPoly.open(
                            buffer, nonce: 0x0102_0304_0506_0708, associatedData: data, key: key)
                            == nil)
                }
                buffer.copyBytes(from: sealedBytes)
                #expect(
                    ChaChaPoly.open(
                        buffer, nonce: 0x0102_0304_0506_0708, associatedData: data, key: key) == 9)
                #expect(buffer.prefix(9).elementsEqual("plaintext".utf8))
            }
        }
        var short = [UInt8](repeating: 0, count: 15)
        let opened = short.withUnsafeMutableBytes { ChaChaPoly.open($0, nonce: 0, key: key) }
        #expect(opened == nil)
    }

    @Test func comparisonAndRandomness() {
        #expect(Sodium.areEqual([1, 2, 3], [1, 2, 3]))
        #expect(!Sodium.areEqual([1, 2, 3], [1, 2, 4]))
        #expect(!Sodium.areEqual([1, 2, 3], [1, 2]))
        #expect(Sodium.areEqual([], []))
        #expect(Sodium.randomBytes(32) != Sodium.randomBytes(32))
        var secret: [UInt8] = [1, 2, 3]
        Sodium.wipe(&secret)
        #expect(secret == [0, 0, 0])
    }

    @Test func secretBytesCopiesAreIndependentOwners() {
        let key = SecretBytes(copying: countingUp)
        let copy = key.copy()
        let prefix = key.prefix(4)
        #expect(copy.withUnsafeBytes { Array($0) } == countingUp)
        #expect(prefix.withUnsafeBytes { Array($0) } == [0, 1, 2, 3])
    }
}
