import TestSupport
import Testing

@testable import LRP2P

/// Failed handshakes that only the socket knows to be some: `LRP2PCore` counts the others.
@Suite struct HandshakeFailureTests {
    private func expect(
        _ failures: [OutboundHandshakeFailure: UInt64], of socket: PeerSocket
    ) async throws {
        try await eventually("\(failures)") {
            socket.statistics.outboundHandshakeFailures == failures
        }
    }

    @Test func anotherPeerThanTheOneAskedFor() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        await #expect(throws: ConnectError.self) {
            try await client.connect(
                to: server.localAddress, expecting: client.identity.peerID, deadline: soon())
        }
        try await expect([.peerMismatch: 1], of: client)
        client.admission.allowed = []
        await #expect(throws: ConnectError.self) {
            try await client.connect(to: server.localAddress, deadline: soon())
        }
        try await expect([.peerMismatch: 1, .peerNotAllowed: 1], of: client)
        await client.close()
        await server.close()
    }

    /// Nothing answers at the silent address, because its socket is never read.
    @Test func givenUp() async throws {
        let client = try PeerSocket.onLoopback()
        let socket = try UDPSocket.bind(1, to: .anyLoopbackPort, selectsInKernel: false)[0]
        let silent = socket.localAddress
        await #expect(throws: ConnectError.timedOut) {
            try await client.connect(
                to: silent, deadline: .now + .milliseconds(100))
        }
        try await expect([.timeout: 1], of: client)
        let attempt = Task { try? await client.connect(to: silent) }
        try await eventually("it has begun") { client.statistics.packetsSent > 1 }
        attempt.cancel()
        _ = await attempt.value
        try await expect([.timeout: 1, .cancelled: 1], of: client)
        await client.close()
        withExtendedLifetime(socket) {}
    }
}
