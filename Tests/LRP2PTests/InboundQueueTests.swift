import Testing

@testable import LRP2P

/// ``InboundQueue`` by way of the socket that fills it.
@Suite struct InboundQueueTests {
    @Test func beyondTheBacklogConnectionsAreRefused() async throws {
        let server = try PeerSocket.onLoopback { $0.acceptBacklog = 2 }
        let client = try PeerSocket.onLoopback()
        for n in UInt8(0)..<3 {
            let connection = try await client.connect(to: server.localAddress, deadline: soon())
            // The first two are acknowledged; the third is told that it is not wanted.
            if n < 2 {
                try await connection.write([n])
                try await connection.drain(deadline: soon())
            } else {
                #expect(await connection.waitUntilClosed(deadline: soon()) == .reset)
            }
        }
        for n in UInt8(0)..<2 {
            let connection = try await server.accept(deadline: soon())
            #expect(try await connection.read(exactly: 1) == [n])
        }
        await #expect(throws: AcceptError.timedOut) { try await server.accept(deadline: .now) }
        await client.close()
        await server.close()
    }

    @Test func aHandlerTakesWhatIsQueuedAndWhatComes() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let first = try await client.connect(to: server.localAddress, deadline: soon())
        try await first.write([0])
        try await first.drain(deadline: soon())
        let (stream, continuation) = AsyncStream.makeStream(of: PeerConnection.self)
        server.onInbound { continuation.yield($0) }
        let second = try await client.connect(to: server.localAddress, deadline: soon())
        try await second.write([1])
        var iterator = stream.makeAsyncIterator()
        for n in UInt8(0)..<2 {
            let connection = try #require(await iterator.next())
            #expect(try await connection.read(exactly: 1) == [n])
        }
        await client.close()
        await server.close()
    }
}
