import TestSupport
import Testing

@testable import LRP2P

/// How streams and connections end.
@Suite struct StreamEndTests {
    @Test func eachDirectionEndsByItself() async throws {
        let pair = try await ConnectedPair()
        let ours = pair.outbound, theirs = pair.inbound
        let there = Task {
            try await ours.write(seed: 1, count: 300_000)
            ours.finishWriting()
        }
        #expect(!theirs.isRemoteFinished || theirs.receivedRange.upperBound == 300_000)
        #expect(try await theirs.readAndCompare(seed: 1, count: 300_000) == nil)
        for _ in 0..<2 {
            #expect(try await theirs.read(maxBytes: 1, deadline: soon()) == [])
            #expect(try await theirs.peek(at: 300_000, maxBytes: 1, deadline: soon()) == [])
        }
        #expect(theirs.isRemoteFinished && !ours.isRemoteFinished)
        #expect(ours.closeReason == nil && theirs.closeReason == nil)

        // The other direction goes on.
        try await there.value
        let back = Task {
            try await theirs.write(seed: 2, count: 300_000)
            theirs.finishWriting()
        }
        #expect(try await ours.readAndCompare(seed: 2, count: 300_000) == nil)
        #expect(try await ours.read(maxBytes: 1, deadline: soon()) == [])
        try await back.value
        for connection in [ours, theirs] {
            #expect(await connection.waitUntilClosed(deadline: soon()) == .finished)
            // The stream was complete: that the connection is closed changes nothing.
            #expect(try await connection.read(maxBytes: 1) == [])
        }
        await pair.close()
    }

    @Test func theEndWakesReaders() async throws {
        let pair = try await ConnectedPair()
        let reading = Task { try await pair.inbound.read(maxBytes: 1, deadline: soon()) }
        let peeking = Task { try await pair.inbound.peek(at: 0, maxBytes: 1, deadline: soon()) }
        async let end: Void = pair.inbound.waitUntilReceivingEnds()
        async let close: Void = pair.outbound.waitUntilReceivingEnds()
        pair.outbound.finishWriting()
        #expect(try await reading.value == [])
        #expect(try await peeking.value == [])
        await end
        #expect(pair.inbound.isRemoteFinished && pair.inbound.closeReason == nil)
        // A close is an end as well.
        pair.outbound.close()
        await close
        await pair.close()
    }

    @Test func bytesBeforeTheEndCanStillBePeekedAt() async throws {
        let pair = try await ConnectedPair()
        let reader = pair.inbound
        try await pair.outbound.write([1, 2, 3])
        pair.outbound.finishWriting()
        try await eventually("the stream is complete") { reader.isRemoteFinished }
        #expect(try await reader.peek(at: 1, maxBytes: 9) == [2, 3])
        #expect(try await reader.peek(at: 3, maxBytes: 9) == [])
        await #expect(throws: ReadError.notYetWritten(end: 3)) {
            try await reader.peek(at: 4, maxBytes: 1)
        }
        try reader.acknowledge(upTo: 2)
        #expect(try await reader.read(maxBytes: 9) == [3])
        #expect(try await reader.read(maxBytes: 9) == [])
        await pair.close()
    }

    @Test func nothingCanBeWrittenAfterTheEnd() async throws {
        let pair = try await ConnectedPair()
        let writer = pair.outbound
        #expect(!writer.isWritingFinished)
        writer.finishWriting()
        writer.finishWriting()
        #expect(writer.isWritingFinished)
        await #expect(throws: WriteError.finished) { try await writer.write([1]) }
        await #expect(throws: WriteError.finished) { try await writer.waitWritable() }
        #expect(throws: WriteError.finished) {
            try [UInt8](arrayLiteral: 1).withUnsafeBytes { _ = try writer.writeSome($0) }
        }
        #expect(writer.sendRange == 0..<0)
        await pair.close()
    }

    /// The end comes after a write that is in the middle, and before one that has not begun.
    @Test func aWriteUnderWayIsCompleted() async throws {
        let buffer = 16 * 1024
        let pair = try await ConnectedPair {
            $0.endpoint.sendBufferBytes = buffer
            $0.endpoint.receiveBufferBytes = buffer
        }
        let writer = pair.outbound
        let first = Task { try await writer.write([UInt8](repeating: 1, count: 10 * buffer)) }
        // Much more than both buffers take, so it does not end before something is read.
        try await eventually("it has begun") { writer.sendRange.upperBound > 0 }
        let second = Task { try await writer.write([2]) }
        let drained = Task { try await writer.drain(deadline: soon()) }
        writer.finishWriting()
        var count = 0
        while true {
            let bytes = try await pair.inbound.read(maxBytes: 1 << 20, deadline: soon())
            if bytes.isEmpty { break }
            #expect(bytes.allSatisfy { $0 == 1 })
            count += bytes.count
        }
        #expect(count == 10 * buffer)
        try await first.value
        await #expect(throws: WriteError.finished) { try await second.value }
        try await drained.value
        await pair.close()
    }

    /// Whoever closes after ``PeerConnection/drain(deadline:)`` cuts nothing off, the end included.
    @Test func drainingWaitsForTheEnd() async throws {
        let pair = try await ConnectedPair()
        try await pair.outbound.write([7])
        pair.outbound.finishWriting()
        try await pair.outbound.drain(deadline: soon())
        pair.outbound.close()
        #expect(await pair.inbound.waitUntilClosed(deadline: soon()) == .reset)
        #expect(pair.inbound.isRemoteFinished)
        #expect(try await pair.inbound.read(maxBytes: 9) == [7])
        #expect(try await pair.inbound.read(maxBytes: 9) == [])
        await pair.close()
    }

    @Test func drainingObeysDeadlineAndClosing() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let relay = try RebindingRelay(to: server.localAddress)
        let connection = try await client.connect(to: relay.address, deadline: soon())
        try await connection.write([1])
        try await connection.drain(deadline: soon())
        relay.setOpen(false)
        connection.finishWriting()
        await #expect(throws: WriteError.timedOut) {
            try await connection.drain(deadline: .now + .milliseconds(20))
        }
        let draining = Task { try await connection.drain() }
        connection.close()
        await #expect(throws: WriteError.closed(.local)) { try await draining.value }
        await client.close()
        await server.close()
    }

    /// The base protocol has no word for an end: only we know of it.
    @Test(arguments: [true, false])
    func towardsABasePeerAnEndIsSilent(isOursBase: Bool) async throws {
        let client = try PeerSocket.onLoopback { $0.endpoint.isExtended = !isOursBase }
        let server = try PeerSocket.onLoopback { $0.endpoint.isExtended = isOursBase }
        let ours = try await client.connect(to: server.localAddress, deadline: soon())
        let theirs = try await server.accept(deadline: soon())
        #expect(!ours.isExtended && !theirs.isExtended)
        try await ours.write([1, 2, 3])
        ours.finishWriting()
        try await ours.drain(deadline: soon())
        await #expect(throws: WriteError.finished) { try await ours.write([4]) }
        #expect(try await theirs.read(exactly: 3) == [1, 2, 3])
        try await theirs.write([5])
        theirs.finishWriting()
        try await theirs.drain(deadline: soon())
        #expect(try await ours.read(exactly: 1) == [5])
        for connection in [ours, theirs] {
            #expect(!connection.isRemoteFinished && connection.closeReason == nil)
            await #expect(throws: ReadError.timedOut) {
                try await connection.read(maxBytes: 1, deadline: .now)
            }
        }
        await client.close()
        #expect(theirs.closeReason == nil)
        await server.close()
    }

    // MARK: Closing

    @Test func closingTellsThePeer() async throws {
        let pair = try await ConnectedPair { $0.endpoint.idleTimeout = nil }
        let reading = Task { try await pair.inbound.read(maxBytes: 1) }
        pair.outbound.close(code: ResetCode(rawValue: 0x123))
        #expect(await pair.inbound.waitUntilClosed(deadline: soon()) == .reset)
        #expect(pair.inbound.resetCode == ResetCode(rawValue: 0x123))
        await #expect(throws: ReadError.closed(.reset)) { try await reading.value }
        #expect(pair.outbound.closeReason == .local && pair.outbound.resetCode == nil)
        await pair.close()
    }

    @Test(arguments: [1, 3])
    func closingASocketTellsAllItsPeers(sockets: Int) async throws {
        let count = 300
        let client = try PeerSocket.onLoopback {
            $0.endpoint.idleTimeout = nil
            $0.sockets = sockets
        }
        let server = try PeerSocket.onLoopback { $0.endpoint.idleTimeout = nil }
        var inbound: [PeerConnection] = []
        for _ in 0..<count {
            _ = try await client.connect(to: server.localAddress, deadline: soon())
            inbound.append(try await server.accept(deadline: soon()))
        }
        await client.close()
        for connection in inbound {
            #expect(await connection.waitUntilClosed(deadline: soon()) == .reset)
            #expect(connection.resetCode == .closed)
        }
        await server.close()
    }

    @Test func theHandshakeSettlesHowTheConnectionIs() async throws {
        let client = try PeerSocket.onLoopback {
            $0.endpoint.applicationProtocols = ["chat/1", "files/2"]
            $0.endpoint.congestionControl = .cubic
        }
        let server = try PeerSocket.onLoopback {
            $0.endpoint.applicationProtocols = ["files/2"]
            $0.endpoint.congestionControl = .bbr
        }
        let plain = try await client.connect(to: server.localAddress, deadline: soon())
        let chosen = try await client.connect(
            to: server.localAddress, congestionControl: .bbr, deadline: soon())
        for connection in [plain, chosen] {
            #expect(connection.isExtended)
            #expect(connection.applicationProtocol == "files/2")
            let theirs = try await server.accept(deadline: soon())
            #expect(theirs.isExtended && theirs.applicationProtocol == "files/2")
            #expect(theirs.congestionControl == .bbr)
        }
        #expect(plain.congestionControl == .cubic && chosen.congestionControl == .bbr)
        await client.close()
        await server.close()
    }
}
