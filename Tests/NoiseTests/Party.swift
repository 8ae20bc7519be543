import Noise
import Sodium

/// A handshake state by reference: the macros of the test library cannot take one that must not
/// be copied.
final class Party {
    private var state: HandshakeState

    init(isInitiator: Bool, staticKey: [UInt8], ephemeralKey: [UInt8]) {
        state = HandshakeState(
            isInitiator: isInitiator, staticKey: SecretBytes(copying: staticKey),
            ephemeralKey: SecretBytes(copying: ephemeralKey))
    }

    var isFinished: Bool { state.isFinished }
    var remoteStaticKey: [UInt8] { state.remoteStaticKey }
    var handshakeHash: [UInt8] { state.handshakeHash }

    func write(payload: [UInt8] = []) throws(NoiseError) -> [UInt8] {
        return try state.writeMessage(payload: payload)
    }

    func read(_ message: [UInt8]) throws(NoiseError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: message)
        return try state.readMessage(UnsafeRawBufferPointer(buffer))
    }

    func split() -> TransportKeys { state.split() }
}
