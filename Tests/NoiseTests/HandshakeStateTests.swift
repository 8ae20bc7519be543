import Noise
import Sodium
import Testing

struct HandshakeStateTests {
    private func makeState(isInitiator: Bool) -> Party {
        Party(
            isInitiator: isInitiator, staticKey: Sodium.randomBytes(32),
            ephemeralKey: Sodium.randomBytes(32))
    }

    @Test func payloadsArePassedUp() throws {
        let initiator = makeState(isInitiator: true)
        let responder = makeState(isInitiator: false)
        #expect(try responder.read(initiator.write(payload: [1, 2, 3])) == [1, 2, 3])
        #expect(try initiator.read(responder.write(payload: [4])) == [4])
        #expect(try responder.read(initiator.write(payload: [5, 6])) == [5, 6])
        let ours = initiator.split()
        let theirs = responder.split()
        var buffer: [UInt8] = Array("hello".utf8) + [UInt8](repeating: 0, count: 16)
        let opened = buffer.withUnsafeMutableBytes { bytes -> Int? in
            _ = ours.sending.encrypt(bytes, plaintextLength: 5, nonce: 7)
            return theirs.receiving.decrypt(bytes, nonce: 7)
        }
        #expect(opened == 5)
        #expect(buffer.prefix(5) == Array("hello".utf8)[...])
    }

    @Test func forgedMessageChangesNothing() throws {
        let initiator = makeState(isInitiator: true)
        let responder = makeState(isInitiator: false)
        _ = try responder.read(initiator.write())
        let second = try responder.write()
        for position in [40, 90] {
            var forged = second
            forged[position] ^= 1
            let hash = initiator.handshakeHash
            #expect(throws: NoiseError.authenticationFailed) { try initiator.read(forged) }
            #expect(initiator.handshakeHash == hash)
            #expect(initiator.remoteStaticKey == [])
        }
        _ = try initiator.read(second)
        let third = try initiator.write()
        var forged = third
        forged[0] ^= 0x80
        #expect(throws: NoiseError.authenticationFailed) { try responder.read(forged) }
        _ = try responder.read(third)
        #expect(responder.isFinished)
    }

    @Test func shortMessagesAndWrongTurnsAreRefused() throws {
        let initiator = makeState(isInitiator: true)
        let responder = makeState(isInitiator: false)
        #expect(throws: NoiseError.outOfTurn) { try responder.write() }
        #expect(throws: NoiseError.outOfTurn) { try initiator.read([UInt8](repeating: 1, count: 96)) }
        #expect(throws: NoiseError.messageTooShort(minimum: 32, found: 31)) {
            try responder.read([UInt8](repeating: 1, count: 31))
        }
        _ = try responder.read(initiator.write())
        #expect(throws: NoiseError.outOfTurn) { try initiator.write() }
        #expect(throws: NoiseError.messageTooShort(minimum: 64, found: 63)) {
            _ = try responder.write()
            _ = try responder.read([UInt8](repeating: 1, count: 63))
        }
    }

    @Test func publicKeyOfSmallOrderIsRefused() throws {
        let responder = makeState(isInitiator: false)
        // Message 1 is not authenticated, so the zero key is noticed by the first Diffie–Hellman.
        _ = try responder.read([UInt8](repeating: 0, count: 32))
        #expect(throws: NoiseError.weakPublicKey) { try responder.write() }
    }
}
