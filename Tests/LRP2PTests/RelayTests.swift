import LRP2P
import LRP2PSimulation
import TestSupport
import Testing

@testable import lrp2p_bench

/// Connections through a bad link, and the link itself.
@Suite struct RelayTests {
    private static let lossy = conditions {
        $0.loss = .independent(0.05)
        $0.duplication = 0.02
    }
    private static let shuffling = conditions {
        $0.loss = .independent(0.02)
        $0.duplication = 0.02
        $0.reordering = 0.1
        $0.reorderingDelay = .milliseconds(2)
        $0.delay = .milliseconds(2)
        $0.jitter = .milliseconds(1)
    }
    private static let narrow = conditions {
        $0.bytesPerSecond = 20_000_000
        $0.queueBytes = 100_000
    }
    private static let damaging = conditions { $0.corruption = 0.02 }

    private static func conditions(_ set: (inout LinkConditions) -> Void) -> LinkConditions {
        var conditions = LinkConditions()
        set(&conditions)
        return conditions
    }

    @Test(arguments: [lossy, shuffling, narrow, damaging])
    func everyByteArrives(conditions: LinkConditions) async throws {
        // What the relay does not carry would count as lost.
        let server = try PeerSocket.onLoopback { $0.endpoint.maximumDatagram = 1400 }
        let client = try PeerSocket.onLoopback { $0.endpoint.maximumDatagram = 1400 }
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
        if conditions.corruption > 0 {
            try await eventually("the damage is noticed") {
                [server, client].allSatisfy { socket in
                    zip(DropReason.allCases, socket.statistics.dropsByReason)
                        .contains { $0 == .unauthenticated && $1 > 0 }
                }
            }
        }
        await client.close()
        await server.close()

        let counters = await relay.stop()
        for direction in [counters.upstream, counters.downstream] {
            #expect(direction.received > count / Relay.maximumDatagramBytes)
            #expect((direction.lost > 0) == (conditions.loss != .never))
            #expect((direction.duplicated > 0) == (conditions.duplication > 0))
        }
    }

    @Test func clientsAreKeptApart() async throws {
        let server = try PeerSocket.onLoopback()
        let relay = try RunningRelay(
            listen: .loopback(port: 0), target: server.localAddress,
            conditions: Self.conditions { $0.delay = .milliseconds(1) }, seed: 1)
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
