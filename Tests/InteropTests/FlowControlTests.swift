import LRP2P
import TestSupport
import Testing

extension Interop {
    @Suite struct FlowControlTests {
        static let bufferBytes = 64 << 10
        static let payloadBytes = 2 << 20

        @Test("A reader that does not read closes our window; reading opens it again")
        func slowReader() async throws {
            let socket = try Transfer.listen { $0.receiveBufferBytes = Self.bufferBytes }
            let (connection, peer) = try await Transfer.connect(
                socket, as: .responder,
                peerArguments: ["--send-bytes", "\(Self.payloadBytes)", "--receive-bytes", "0"])
            try await peer.windowClosed()
            let held = connection.receivedRange
            #expect(held.lowerBound == 0)
            #expect(held.upperBound > 0 && held.upperBound <= UInt64(Self.bufferBytes))

            let received = try await Transfer.receive(Self.payloadBytes, from: connection)
            let result = try await peer.finish()
            #expect(result.sentSha256 == Transfer.sha256(received))
            #expect(result.windowClosings > 0)
            await socket.close()
        }

        @Test("A peer that closes its window is obeyed, and served again when it opens")
        func slowPeer() async throws {
            let socket = try Transfer.listen()
            let (connection, peer) = try await Transfer.connect(
                socket, as: .initiator,
                peerArguments: [
                    "--window", "64", "--pause-at", "100000", "--loss", "0.05", "--seed", "6",
                    "--receive-bytes", "\(Self.payloadBytes)",
                ])
            let sent = Transfer.randomBytes(Self.payloadBytes)
            async let sending: Void = Transfer.send(sent, to: connection)
            try await eventually("a closed window") {
                connection.statistics.peerWindowPackets == 0
                    && connection.statistics.limitedBy == .peerWindow
            }
            #expect(connection.sendRange.lowerBound < 300_000)

            peer.process.write(line: "resume")
            try await sending
            let result = try await peer.finish()
            #expect(result.receivedSha256 == Transfer.sha256(sent))
            await socket.close()
        }
    }
}
