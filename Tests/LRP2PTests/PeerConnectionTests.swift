import TestSupport
import Testing

@testable import LRP2P

@Suite struct PeerConnectionTests {
    @Test func eightMegabytesBothWaysAtOnce() async throws {
        let pair = try await ConnectedPair()
        let count = 8 << 20
        async let sentOut: Void = pair.outbound.write(seed: 1, count: count)
        async let sentIn: Void = pair.inbound.write(seed: 2, count: count)
        async let wrongIn = pair.inbound.readAndCompare(seed: 1, count: count)
        async let wrongOut = pair.outbound.readAndCompare(seed: 2, count: count)
        #expect(try await wrongIn == nil)
        #expect(try await wrongOut == nil)
        try await sentOut
        try await sentIn
        try await pair.outbound.drain(deadline: soon())
        #expect(pair.outbound.sendRange == UInt64(count)..<UInt64(count))
        try await eventually("the figures agree") {
            let sender = pair.outbound.statistics, receiver = pair.inbound.statistics
            return sender.acknowledgedBytes == count && receiver.receivedBytes == count
                && sender.smoothedRTT != nil && sender.packetsSent > 0
        }
        await pair.close()
    }

    @Test func aPeekDoesNotConsume() async throws {
        let pair = try await ConnectedPair()
        let reader = pair.inbound
        try await pair.outbound.write(Array("abcdef".utf8))
        try await eventually("all is here") { reader.receivedRange == 0..<6 }
        for _ in 0..<2 {
            #expect(try await reader.peek(at: 0, maxBytes: 3) == Array("abc".utf8))
            #expect(try await reader.peek(at: 4, maxBytes: 100) == Array("ef".utf8))
        }
        await #expect(throws: ReadError.notYetWritten(end: 6)) {
            try await reader.peek(at: 7, maxBytes: 1)
        }
        try reader.acknowledge(upTo: 2)
        try reader.acknowledge(upTo: 1)
        #expect(reader.receivedRange == 2..<6)
        await #expect(throws: ReadError.released(earliest: 2)) {
            try await reader.peek(at: 1, maxBytes: 1)
        }
        #expect(throws: ReadError.notYetWritten(end: 6)) { try reader.acknowledge(upTo: 7) }
        #expect(try await reader.read(maxBytes: 100) == Array("cdef".utf8))
        #expect(reader.receivedRange == 6..<6)
        let next = Task { try await reader.peek(at: 6, maxBytes: 1, deadline: soon()) }
        try await pair.outbound.write([7])
        #expect(try await next.value == [7])
        await pair.close()
    }

    @Test func aReadOfNothingDoesNotWait() async throws {
        let pair = try await ConnectedPair()
        for count in [0, -1] {
            #expect(try await pair.inbound.read(maxBytes: count) == [])
            #expect(try await pair.inbound.peek(at: 0, maxBytes: count) == [])
        }
        await pair.close()
    }

    // MARK: Slow readers

    /// The window closes on a reader that does not read, and opens when it does; what is under way
    /// never exceeds the buffers.
    @Test func aSlowReaderHoldsTheSenderBack() async throws {
        let buffer = 64 * 1024
        let pair = try await ConnectedPair {
            $0.endpoint.receiveBufferBytes = buffer
            $0.endpoint.sendBufferBytes = buffer
        }
        let count = 1 << 20
        let writing = Task { try await pair.outbound.write(seed: 5, count: count) }
        try await eventually("both buffers are full") {
            pair.outbound.sendRange.count == buffer
                && pair.inbound.receivedRange.count > buffer / 2
        }
        #expect(pair.inbound.receivedRange.upperBound <= UInt64(buffer))
        #expect(pair.outbound.sendRange.upperBound <= UInt64(2 * buffer))
        #expect(try pair.outbound.writeSome(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
        #expect(try await pair.inbound.readAndCompare(seed: 5, count: count) == nil)
        try await writing.value
        await pair.close()
    }

    @Test func acknowledgingReopensTheWindow() async throws {
        let pair = try await ConnectedPair { $0.endpoint.receiveBufferBytes = 16 * 1024 }
        let reader = pair.inbound
        let count = 300_000
        let writing = Task { try await pair.outbound.write(seed: 6, count: count) }
        var random = SplitMix64(seed: 6)
        let expected = (0..<(count + 65_535) / 65_536).flatMap {
            random.bytes(min(65_536, count - $0 * 65_536))
        }
        var offset = 0
        while offset < count {
            let bytes = try await reader.peek(
                at: UInt64(offset), maxBytes: 1 << 20, deadline: soon())
            #expect(bytes[...] == expected[offset..<offset + bytes.count])
            #expect(reader.receivedRange.count <= 16 * 1024)
            offset += bytes.count
            try reader.acknowledge(upTo: UInt64(offset))
        }
        try await writing.value
        await pair.close()
    }

    // MARK: Writing

    @Test func concurrentWritesDoNotInterleave() async throws {
        let pair = try await ConnectedPair { $0.endpoint.sendBufferBytes = 8 * 1024 }
        let writers = 8, length = 50_000
        let writing = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<writers {
                    group.addTask {
                        try await pair.outbound.write(
                            [UInt8](repeating: UInt8(n), count: length), deadline: soon())
                    }
                }
                try await group.waitForAll()
            }
        }
        var seen: Set<UInt8> = []
        for _ in 0..<writers {
            let bytes = try await pair.inbound.read(exactly: length)
            let first = try #require(bytes.first)
            #expect(bytes.allSatisfy { $0 == first })
            seen.insert(first)
        }
        #expect(seen.count == writers)
        try await writing.value
        await pair.close()
    }

    @Test func aFailedWriteTellsHowMuchWasTaken() async throws {
        let buffer = 16 * 1024
        let pair = try await ConnectedPair {
            $0.endpoint.sendBufferBytes = buffer
            $0.endpoint.receiveBufferBytes = buffer
        }
        let connection = pair.outbound
        var random = SplitMix64(seed: 7)
        let bytes = random.bytes(10 * buffer)
        await #expect(throws: WriteError.timedOut) {
            try await connection.write(bytes, deadline: .now + .milliseconds(50))
        }
        let taken = Int(connection.sendRange.upperBound)
        #expect(taken > 0 && taken <= 2 * buffer)
        #expect(try await pair.inbound.read(exactly: taken) == Array(bytes[..<taken]))
        let task = Task { try await connection.write(bytes) }
        try await eventually("it waits for room") { connection.sendRange.count == buffer }
        let second = Task { try await connection.write([1]) }
        let writable = Task { try await connection.waitWritable() }
        let acknowledged = Task { try await connection.waitAcknowledged(upTo: .max) }
        for waiting in [second, writable, acknowledged, task] {
            waiting.cancel()
            await #expect(throws: WriteError.cancelled) { try await waiting.value }
        }
        let all = Int(connection.sendRange.upperBound)
        #expect(
            try await pair.inbound.read(exactly: all - taken) == Array(bytes[..<(all - taken)]))
        try await connection.waitWritable(deadline: soon())
        try await connection.write([9], deadline: soon())
        #expect(try await pair.inbound.read(exactly: 1) == [9])
        await pair.close()
    }

    @Test func writeSomeDoesNotWait() async throws {
        let buffer = 8 * 1024
        let pair = try await ConnectedPair {
            $0.endpoint.sendBufferBytes = buffer
            $0.endpoint.receiveBufferBytes = buffer
        }
        let bytes = [UInt8](repeating: 3, count: 5_000)
        var total = 0
        try await eventually("nothing fits any more") {
            var taken = 0
            repeat {
                taken = (try? bytes.withUnsafeBytes { try pair.outbound.writeSome($0) }) ?? 0
                total += taken
            } while taken > 0
            return pair.outbound.sendRange.count == buffer && total > buffer
        }
        await #expect(throws: WriteError.timedOut) {
            try await pair.outbound.waitWritable(deadline: .now)
        }
        #expect(try await pair.inbound.read(exactly: total) == [UInt8](repeating: 3, count: total))
        try await pair.outbound.waitWritable(deadline: soon())
        await pair.close()
    }

    // MARK: Ends

    @Test func whatIsLeftCanBeReadAfterClosing() async throws {
        let pair = try await ConnectedPair()
        let reader = pair.inbound
        try await pair.outbound.write([1, 2, 3])
        try await pair.outbound.drain(deadline: soon())
        reader.close()
        reader.close()
        #expect(reader.closeReason == .local)
        #expect(await reader.waitUntilClosed(deadline: soon()) == .local)
        #expect(try await reader.peek(at: 1, maxBytes: 9) == [2, 3])
        #expect(try await reader.read(maxBytes: 2) == [1, 2])
        #expect(try await reader.read(maxBytes: 2) == [3])
        await #expect(throws: ReadError.closed(.local)) { try await reader.read(maxBytes: 1) }
        await #expect(throws: ReadError.closed(.local)) {
            try await reader.peek(at: 3, maxBytes: 1)
        }
        await #expect(throws: WriteError.closed(.local)) { try await reader.write([1]) }
        await #expect(throws: WriteError.closed(.local)) { try await reader.waitWritable() }
        await pair.close()
    }

    @Test func aLastWordIsSentOnClosing() async throws {
        let pair = try await ConnectedPair()
        // The handshake is over for certain when data has been acknowledged.
        try await pair.outbound.write([1])
        try await pair.outbound.drain(deadline: soon())
        try await pair.outbound.write([2])
        pair.outbound.close()
        #expect(try await pair.inbound.read(exactly: 2) == [1, 2])
        await pair.close()
    }

    @Test func closingResumesWaitingTasks() async throws {
        let pair = try await ConnectedPair {
            $0.endpoint.sendBufferBytes = 4096
            $0.endpoint.receiveBufferBytes = 4096
        }
        let connection = pair.outbound
        let reading = Task { try await connection.read(maxBytes: 1) }
        let peeking = Task { try await connection.peek(at: 0, maxBytes: 1) }
        let writing = Task { try await connection.write([UInt8](repeating: 0, count: 100_000)) }
        let draining = Task { try await connection.waitAcknowledged(upTo: 90_000) }
        let waiting = Task { await connection.waitUntilClosed() }
        try await eventually("the writer waits") { pair.inbound.receivedRange.count > 2048 }
        connection.close()
        await #expect(throws: ReadError.closed(.local)) { try await reading.value }
        await #expect(throws: ReadError.closed(.local)) { try await peeking.value }
        await #expect(throws: WriteError.closed(.local)) { try await writing.value }
        await #expect(throws: WriteError.closed(.local)) { try await draining.value }
        #expect(await waiting.value == .local)
        await pair.close()
    }

    @Test(arguments: [true, false])
    func silenceEndsAConnection(isExtended: Bool) async throws {
        let pair = try await ConnectedPair {
            $0.endpoint.idleTimeout = .milliseconds(50)
            $0.endpoint.isExtended = isExtended
        }
        #expect(await pair.outbound.waitUntilClosed(deadline: soon()) == .idleTimeout)
        #expect(await pair.inbound.waitUntilClosed(deadline: soon()) == .idleTimeout)
        await #expect(throws: ReadError.closed(.idleTimeout)) {
            try await pair.inbound.read(maxBytes: 1)
        }
        await pair.close()
    }

    @Test func readsObeyDeadlineAndCancellation() async throws {
        let pair = try await ConnectedPair()
        let connection = pair.outbound
        for deadline in [ContinuousClock.now, .now + .milliseconds(10)] {
            await #expect(throws: ReadError.timedOut) {
                try await connection.read(maxBytes: 1, deadline: deadline)
            }
            await #expect(throws: ReadError.timedOut) {
                try await connection.peek(at: 0, maxBytes: 1, deadline: deadline)
            }
            #expect(await connection.waitUntilClosed(deadline: deadline) == nil)
        }
        let reading = Task { try await connection.read(maxBytes: 1) }
        let peeking = Task { try await connection.peek(at: 0, maxBytes: 1) }
        let waiting = Task { await connection.waitUntilClosed() }
        for task in [reading, peeking] {
            task.cancel()
            await #expect(throws: ReadError.cancelled) { try await task.value }
        }
        waiting.cancel()
        #expect(await waiting.value == nil)
        try await pair.inbound.write([5])
        #expect(try await connection.read(maxBytes: 1, deadline: soon()) == [5])
        await pair.close()
    }

    @Test func connectionsOutliveTheirHandlesAndDieWithTheSocket() async throws {
        let pair = try await ConnectedPair()
        var client: PeerSocket? = pair.client
        let connection = pair.outbound
        try await connection.write([1])
        #expect(try await pair.inbound.read(exactly: 1) == [1])
        await client?.close()
        client = nil
        #expect(connection.closeReason == .local)
        #expect(connection.statistics.sentBytes == 1)
        await pair.server.close()
    }
}
