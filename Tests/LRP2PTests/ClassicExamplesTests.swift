import Testing

import LRP2P

/// The protocol's two classic examples, as the articles HelloWorld and TwoPeersOneSocket show them.
@Suite struct ClassicExamplesTests {
    @Test func helloWorld() async throws {
        let server = try PeerSocket.listen(on: .loopback(port: 0))
        let client = try PeerSocket.listen(on: .loopback(port: 0))

        async let greeting = {
            let connection = try await server.accept()
            return try await connection.read(maxBytes: 1024)
        }()
        let connection = try await client.connect(
            to: server.localAddress, expecting: server.identity.peerID)
        try await connection.write(Array("Hello, world!".utf8))

        #expect(String(decoding: try await greeting, as: UTF8.self) == "Hello, world!")
        await client.close()
        await server.close()
    }

    @Test func twoPeersOnOneSocket() async throws {
        let one = try PeerSocket.listen(on: .loopback(port: 0))
        let two = try PeerSocket.listen(on: .loopback(port: 0))
        let hub = try PeerSocket.listen(on: .loopback(port: 0))

        let toOne = try await hub.connect(to: one.localAddress)
        let toTwo = try await hub.connect(to: two.localAddress)
        try await toOne.write(Array("you are one".utf8))
        try await toTwo.write(Array("you are two".utf8))

        for (peer, expected) in [(one, "you are one"), (two, "you are two")] {
            let connection = try await peer.accept()
            #expect(connection.remoteAddress == hub.localAddress)
            #expect(connection.remotePeerID == hub.identity.peerID)
            let bytes = try await connection.read(maxBytes: 1024)
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
        for socket in [one, two, hub] { await socket.close() }
    }
}
