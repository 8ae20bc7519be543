import Noise
import Sodium
import TestSupport
import Testing

/// Byte for byte against exchanges between two reference peers.
struct RecordedExchangeTests {
    @Test(arguments: RecordedExchange.names)
    func handshakeEqualsTheRecordedOne(name: String) throws {
        let recorded = try RecordedExchange.named(name)
        let initiator = Party(
            isInitiator: true, staticKey: recorded.initiatorStaticPrivate.bytes,
            ephemeralKey: recorded.initiatorEphemeralPrivate.bytes)
        let responder = Party(
            isInitiator: false, staticKey: recorded.responderStaticPrivate.bytes,
            ephemeralKey: recorded.responderEphemeralPrivate.bytes)
        let expected = recorded.datagrams.prefix(3).map { Array($0.datagram.bytes.dropFirst(8)) }

        let first = try initiator.write()
        #expect(first == expected[0])
        #expect(try responder.read(first) == [])
        let second = try responder.write()
        #expect(second == expected[1])
        #expect(try initiator.read(second) == [])
        let third = try initiator.write()
        #expect(third == expected[2])
        #expect(try responder.read(third) == [])

        #expect(initiator.isFinished && responder.isFinished)
        #expect(initiator.handshakeHash == recorded.handshakeHash.bytes)
        #expect(responder.handshakeHash == recorded.handshakeHash.bytes)
        let responderPublic = X25519.publicKey(
            for: SecretBytes(copying: recorded.responderStaticPrivate.bytes))
        #expect(initiator.remoteStaticKey == responderPublic)

        let initiatorKeys = initiator.split()
        let responderKeys = responder.split()
        let agree = [
            initiatorKeys.sending.hasKey(recorded.initiatorToResponderKey.bytes),
            initiatorKeys.receiving.hasKey(recorded.responderToInitiatorKey.bytes),
            responderKeys.sending.hasKey(recorded.responderToInitiatorKey.bytes),
            responderKeys.receiving.hasKey(recorded.initiatorToResponderKey.bytes),
        ]
        #expect(agree == [true, true, true, true])
    }

    @Test(arguments: RecordedExchange.names)
    func datagramsDecryptToTheRecordedSegments(name: String) throws {
        let recorded = try RecordedExchange.named(name)
        let fromInitiator = CipherState(keyBytes: recorded.initiatorToResponderKey.bytes)
        let fromResponder = CipherState(keyBytes: recorded.responderToInitiatorKey.bytes)
        var checked = 0
        for datagram in recorded.datagrams {
            guard let nonce = datagram.nonce, let segment = datagram.segment else { continue }
            var body = Array(datagram.datagram.bytes.dropFirst(16))
            let length = body.withUnsafeMutableBytes {
                datagram.isFromInitiator
                    ? fromInitiator.decrypt($0, nonce: nonce)
                    : fromResponder.decrypt($0, nonce: nonce)
            }
            #expect(length.map { Array(body.prefix($0)) } == segment.bytes)

            var again = segment.bytes + [UInt8](repeating: 0, count: CipherState.tagLength)
            let sealed = again.withUnsafeMutableBytes {
                datagram.isFromInitiator
                    ? fromInitiator.encrypt(
                        $0, plaintextLength: segment.bytes.count, nonce: nonce)
                    : fromResponder.encrypt(
                        $0, plaintextLength: segment.bytes.count, nonce: nonce)
            }
            #expect(sealed == again.count)
            #expect(again == Array(datagram.datagram.bytes.dropFirst(16)))
            checked += 1
        }
        #expect(checked == recorded.datagrams.count - 3)
    }
}
