import LRP2P
import Testing

@testable import lrp2p_bench

/// Connections through a bad link, and the link itself.
@Suite struct RelayTests {
    @Test(arguments: [
        LinkConditions(loss: 0.05, duplication: 0.02),
        LinkConditions(
            loss: 0.02, duplication: 0.02, reordering: 0.1, reorderDelay: .milliseconds(2),
            delay: .milliseconds(2), jitter: .milliseconds(1)),
        LinkConditions(bytesPerSecond: 20e6, queueBytes: 100_000),
    ])
    func everyByteArrives(conditions: LinkConditions) async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let relay = try RunningRelay(
            listen: .loopback(port: 0), target: server.localAddress, conditions: conditions,
            seed: 11)
        let outbound = try await client.connect(
            to: relay.address, expecting: server.identity.peerID, deadline: soon())
        let inbound = try await server.accept(deadline: soon())
        let count = 2 << 20
        async let sentOut: Void = outbound.write(seed: 21, count: count)
        async let sentIn: Void = inbound.write(seed: 22, count: count)
        async let wrongIn = inbound.readAndCompare(seed: 21, count: count)
        async let wrongOut = outbound.readAndCompare(seed: 22, count: count)
        #expect(try await wrongIn == nil)
        #expect(try await wrongOut == nil)
        try await sentOut
        try await sentIn
        await client.close()
        await server.close()

        let counters = await relay.stop()
        for direction in [counters.upstream, counters.downstream] {
            #expect(direction.received > count / 1400)
            #expect((direction.lost > 0) == (conditions.loss > 0))
            #expect((direction.duplicated > 0) == (conditions.duplication > 0))
        }
    }

    @Test func clientsAreKeptApart() async throws {
        let server = try PeerSocket.onLoopback()
        let relay = try RunningRelay(
            listen: .loopback(port: 0), target: server.localAddress,
            conditions: LinkConditions(delay: .milliseconds(1)), seed: 1)
        var clients: [PeerSocket] = []
        for n in UInt8(0)..<5 {
            let client = try PeerSocket.onLoopback()
            clients.append(client)
            let there = try await client.connect(to: relay.address, deadline: soon())
            try await there.write([n])
            let here = try await server.accept(deadline: soon())
            #expect(try await here.read(exactly: 1) == [n])
            try await here.write([n, n])
            #expect(try await there.read(exactly: 2) == [n, n])
        }
        for client in clients { await client.close() }
        await server.close()
        let counters = await relay.stop()
        #expect(counters.refusedClients == 0)
        #expect(counters.upstream.sent > 0 && counters.downstream.sent > 0)
    }
}
