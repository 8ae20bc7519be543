import LRP2P
import Synchronization
import Testing
import TestSupport

/// The list of peers over real sockets.
@Suite struct PeerAdmissionTests {
    private func dropped(_ socket: PeerSocket) throws -> UInt64 {
        let index = try #require(DropReason.allCases.firstIndex(of: .peerNotAllowed))
        return socket.statistics.dropsByReason[index]
    }

    @Test(arguments: [1, 3]) func onlyPeersOnTheListGetIn(sockets: Int) async throws {
        let server = try PeerSocket.onLoopback { $0.sockets = sockets }
        let friend = try PeerSocket.onLoopback(), stranger = try PeerSocket.onLoopback()
        server.admission.allowed = [friend.identity.peerID]
        let refused = Mutex<[(PeerID, SocketAddress)]>([])
        server.admission.onRefusal { peer, address in
            refused.withLock { $0.append((peer, address)) }
        }
        // Until it sends something a peer cannot know that it was refused: message 3 has no answer.
        let attempt = try await stranger.connect(to: server.localAddress, deadline: soon())
        try await attempt.write([1, 2, 3], deadline: soon())
        #expect(await attempt.waitUntilClosed(deadline: soon()) == .statelessReset)
        try await eventually("it is counted") { try dropped(server) == 1 }
        let seen = refused.withLock { $0 }
        #expect(seen.map(\.0) == [stranger.identity.peerID])
        #expect(seen.map(\.1) == [stranger.localAddress])

        let outbound = try await friend.connect(to: server.localAddress, deadline: soon())
        let inbound = try await server.accept(deadline: soon())
        #expect(inbound.remotePeerID == friend.identity.peerID)
        try await outbound.write([7], deadline: soon())
        #expect(try await inbound.read(exactly: 1) == [7])
        for socket in [server, friend, stranger] { await socket.close() }
    }

    @Test func aPeerThatIsNotOnTheListIsNotConnectedTo() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        client.admission.allowed = [client.identity.peerID]
        await #expect(throws: ConnectError.peerNotAllowed(server.identity.peerID)) {
            try await client.connect(to: server.localAddress, deadline: soon())
        }
        // The list can be exchanged at any time.
        client.admission.allowed?.insert(server.identity.peerID)
        let connection = try await client.connect(to: server.localAddress, deadline: soon())
        #expect(connection.remotePeerID == server.identity.peerID)
        // Connections there are stay.
        client.admission.allowed = []
        try await connection.write([1], deadline: soon())
        #expect(connection.closeReason == nil)
        client.admission.allowed = nil
        #expect(client.admission.allows(server.identity.peerID))
        await client.close()
        await server.close()
    }

    @Test func knowsWhatStaysOnThisHost() throws {
        for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "0.0.0.0:1", "[::ffff:127.0.0.1]:1"] {
            #expect(try #require(SocketAddress(text)).isOfThisHost, "\(text)")
        }
        // For documentation (RFC 5737, RFC 3849): nobody has these.
        for text in ["192.0.2.1:1", "[2001:db8::1]:1"] {
            #expect(!(try #require(SocketAddress(text)).isOfThisHost), "\(text)")
        }
        let any = try PeerSocket.onLoopback(SocketAddress(ipv4: 0, port: 0))
        for address in any.reachableAddresses { #expect(address.isOfThisHost, "\(address)") }
    }
}
