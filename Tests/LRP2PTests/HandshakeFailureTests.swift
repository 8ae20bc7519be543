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
        let socket = try UDPSocket.bind(1, to: .anyLoopbackPort, selectsInKernel: false)[0]
        let hasty = try PeerSocket.onLoopback()
        // One that is given up before the network thread has seen it has never begun.
        try await eventually("one is counted") {
            await #expect(throws: ConnectError.timedOut) {
                try await hasty.connect(
                    to: socket.localAddress, deadline: .now + .milliseconds(100))
            }
            return !hasty.statistics.outboundHandshakeFailures.isEmpty
        }
        #expect(Array(hasty.statistics.outboundHandshakeFailures.keys) == [.timeout])

        let patient = try PeerSocket.onLoopback { $0.endpoint.handshakeTimeout = .seconds(600) }
        let attempt = Task { try? await patient.connect(to: socket.localAddress) }
        try await eventually("it has begun") { patient.statistics.packetsSent > 0 }
        attempt.cancel()
        _ = await attempt.value
        try await expect([.cancelled: 1], of: patient)
        await hasty.close()
        await patient.close()
        withExtendedLifetime(socket) {}
    }
}
