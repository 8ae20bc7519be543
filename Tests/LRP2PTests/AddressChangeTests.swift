import TestSupport
import Testing

@testable import LRP2P

/// Connections whose other end changes its address, or forgets them.
@Suite struct AddressChangeTests {
    /// The port changes three times in the middle of transfers both ways.
    @Test(arguments: CongestionControlAlgorithm.allCases)
    func nothingIsLostWhenAPortChanges(algorithm: CongestionControlAlgorithm) async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let relay = try RebindingRelay(to: server.localAddress)
        let outbound = try await client.connect(
            to: relay.address, congestionControl: algorithm, deadline: soon())
        let inbound = try await server.accept(deadline: soon())
        #expect(inbound.remoteAddress == relay.outwardAddress)
        let parts: [UInt64] = [0, 1, 2, 3], count = 1 << 20
        let sentOut = Task { for n in parts { try await outbound.write(seed: n, count: count) } }
        let sentIn = Task { for n in parts { try await inbound.write(seed: 10 + n, count: count) } }
        for n in parts {
            async let wrongIn = inbound.readAndCompare(seed: n, count: count)
            async let wrongOut = outbound.readAndCompare(seed: 10 + n, count: count)
            #expect(try await wrongIn == nil)
            #expect(try await wrongOut == nil)
            guard n < 3 else { break }
            let former = relay.outwardAddress
            relay.rebind()
            try await eventually("another port") { relay.outwardAddress != former }
        }
        try await sentOut.value
        try await sentIn.value
        try await eventually("the server knows where the client is") {
            inbound.remoteAddress == relay.outwardAddress
        }
        #expect(outbound.remoteAddress == relay.address)
        #expect(outbound.closeReason == nil && inbound.closeReason == nil)
        await client.close()
        await server.close()
    }

    @Test func whoeverWaitsForAMoveIsTold() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let relay = try RebindingRelay(to: server.localAddress)
        let outbound = try await client.connect(to: relay.address, deadline: soon())
        let inbound = try await server.accept(deadline: soon())
        let former = relay.outwardAddress
        #expect(await inbound.waitUntilMoved(from: .anyLoopbackPort) == former, "at once")
        async let moved = inbound.waitUntilMoved(from: former)
        relay.rebind()
        try await eventually("another port") { relay.outwardAddress != former }
        try await outbound.write([1])
        #expect(await moved == relay.outwardAddress)
        // Neither a cancellation nor the end is a move.
        let waiting = Task { await inbound.waitUntilMoved(from: relay.outwardAddress) }
        waiting.cancel()
        #expect(await waiting.value == nil)
        async let never = inbound.waitUntilMoved(from: relay.outwardAddress)
        inbound.close()
        #expect(await never == nil)
        await client.close()
        await server.close()
    }

    /// Without a timeout on silence, only the peer's own word can end it.
    @Test func aRestartedPeerSaysThatItHasForgotten() async throws {
        let identity = Identity()
        func listen(on address: SocketAddress) throws -> PeerSocket {
            try PeerSocket.listen(
                on: address, configuration: PeerSocketConfiguration(identity: identity))
        }
        let client = try PeerSocket.onLoopback { $0.endpoint.idleTimeout = nil }
        let first = try listen(on: .anyLoopbackPort)
        let relay = try RebindingRelay(to: first.localAddress)
        let connection = try await client.connect(to: relay.address, deadline: soon())
        try await connection.write([1])
        try await connection.drain(deadline: soon())

        // It vanishes: its last word does not arrive.
        relay.setOpen(false)
        await first.close()
        let second = try listen(on: first.localAddress)
        relay.setOpen(true)
        #expect(connection.closeReason == nil)
        try await connection.write([2])
        #expect(await connection.waitUntilClosed(deadline: soon()) == .statelessReset)
        #expect(connection.resetCode == nil)
        await #expect(throws: ReadError.closed(.statelessReset)) {
            try await connection.read(maxBytes: 1)
        }
        await client.close()
        await second.close()
    }
}
