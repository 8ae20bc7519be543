import TestSupport
import Testing

@testable import LRP2P

@Suite struct MessageTests {
    @Test func messagesArriveWhole() async throws {
        let pair = try await ConnectedPair()
        let maximum = try #require(pair.outbound.maximumMessageBytes)
        #expect(maximum > 1000)
        var random = SplitMix64(seed: 3)
        for (from, to) in [(pair.outbound, pair.inbound), (pair.inbound, pair.outbound)] {
            // One at a time: on a path without loss each arrives.
            for length in [0, 1, 500, 1000] {
                let message = random.bytes(length)
                let receiving = Task { try await to.receiveMessage(deadline: soon()) }
                try from.send(message: message)
                #expect(try await receiving.value == message)
            }
            await #expect(throws: ReadError.timedOut) {
                try await to.receiveMessage(deadline: .now)
            }
        }
        #expect(pair.inbound.receivedRange == 0..<0, "the stream is another thing")
        await pair.close()
    }

    @Test func messagesPassBesideAFullStream() async throws {
        let pair = try await ConnectedPair { $0.endpoint.receiveBufferBytes = 16 * 1024 }
        let writing = Task { try await pair.outbound.write(seed: 1, count: 1 << 20) }
        try await eventually("nobody reads, so the stream stands still") {
            pair.outbound.statistics.limitedBy == .peerWindow
        }
        try pair.outbound.send(message: [1, 2, 3])
        #expect(try await pair.inbound.receiveMessage(deadline: soon()) == [1, 2, 3])
        #expect(try await pair.inbound.readAndCompare(seed: 1, count: 1 << 20) == nil)
        try await writing.value
        await pair.close()
    }

    @Test func eachGoesToOneReceiver() async throws {
        let pair = try await ConnectedPair()
        let count = 50
        let receivers = (0..<count).map { _ in
            Task { try await pair.inbound.receiveMessage(deadline: soon()) }
        }
        for n in 0..<count { try pair.outbound.send(message: [UInt8(n)]) }
        var seen: Set<UInt8> = []
        for receiver in receivers { seen.insert(try await receiver.value[0]) }
        #expect(seen.count == count)
        await pair.close()
    }

    @Test func whatIsTooLongIsRefused() async throws {
        let pair = try await ConnectedPair { $0.endpoint.maximumDatagram = 1400 }
        let connection = pair.outbound
        let maximum = try #require(connection.maximumMessageBytes)
        #expect(throws: MessageError.tooLong(maximum: maximum)) {
            try connection.send(message: [UInt8](repeating: 0, count: maximum + 1))
        }
        let longest = [UInt8](repeating: 5, count: maximum)
        try connection.send(message: longest)
        #expect(try await pair.inbound.receiveMessage(deadline: soon()) == longest)
        await pair.close()
    }

    @Test func aBasePeerTakesNone() async throws {
        let pair = try await ConnectedPair { $0.endpoint.isExtended = false }
        #expect(pair.outbound.maximumMessageBytes == nil)
        #expect(throws: MessageError.unsupported) { try pair.outbound.send(message: [1]) }
        await pair.close()
    }

    @Test func whoeverDoesNotReceiveGetsTheNewest() async throws {
        let pair = try await ConnectedPair()
        let count = 300
        for n in 0..<count {
            try pair.outbound.send(message: [UInt8(n >> 8), UInt8(n & 255)])
            // Each alone, so that none is dropped before it leaves.
            try await eventually("it has arrived") {
                let waiting = pair.inbound.incoming.withLock { Int($0.dropped) + $0.count }
                return waiting == n + 1
            }
        }
        let first = count - MessageQueue.maximumMessages
        for n in first..<count {
            let message = try await pair.inbound.receiveMessage(deadline: soon())
            #expect(message == [UInt8(n >> 8), UInt8(n & 255)])
        }
        try await eventually("the loss is told") {
            pair.inbound.statistics.messagesDropped == UInt64(first)
        }
        await pair.close()
    }

    @Test func closingEndsWaitingAndKeepsWhatHasArrived() async throws {
        let pair = try await ConnectedPair()
        let cancelled = Task { try await pair.inbound.receiveMessage() }
        cancelled.cancel()
        await #expect(throws: ReadError.cancelled) { try await cancelled.value }
        try pair.outbound.send(message: [1])
        try await eventually("it is here") { pair.inbound.incoming.withLock { $0.count } == 1 }
        pair.outbound.close()
        #expect(await pair.inbound.waitUntilClosed(deadline: soon()) == .reset)
        #expect(try await pair.inbound.receiveMessage() == [1])
        await #expect(throws: ReadError.closed(.reset)) {
            try await pair.inbound.receiveMessage()
        }
        #expect(throws: MessageError.closed(.local)) { try pair.outbound.send(message: [2]) }
        await pair.close()
    }
}

@Suite struct MessageQueueTests {
    @Test func theOldestGiveWay() {
        var queue = MessageQueue()
        for n in 0..<MessageQueue.maximumMessages + 3 { queue.append([UInt8(n % 256)]) }
        #expect(queue.count == MessageQueue.maximumMessages && queue.dropped == 3)
        let oldest = queue.takeFirst()
        #expect(oldest == [3])
        let all = queue.takeAll()
        #expect(all.count == MessageQueue.maximumMessages - 1 && all.first == [4])
        #expect(queue.count == 0 && queue.bytes == 0)
        let none = queue.takeFirst()
        #expect(none == nil)
    }

    @Test func bytesAreBounded() {
        var queue = MessageQueue()
        let message = [UInt8](repeating: 1, count: MessageQueue.maximumBytes / 3)
        for _ in 0..<3 { queue.append(message) }
        #expect(queue.dropped == 0)
        queue.append([1, 2])
        #expect(queue.dropped == 1 && queue.count == 3)
        #expect(queue.bytes == 2 * message.count + 2)
        queue.append([UInt8](repeating: 2, count: MessageQueue.maximumBytes))
        #expect(queue.count == 1 && queue.bytes == MessageQueue.maximumBytes)
    }

    @Test func orderIsKeptOverManyTurns() {
        var queue = MessageQueue()
        var next = 0, taken = 0
        for turn in 0..<2000 {
            for _ in 0..<(turn % 3 + 1) where queue.count < MessageQueue.maximumMessages {
                queue.append([UInt8(next % 251), UInt8(next % 241)])
                next += 1
            }
            for _ in 0..<(turn % 4) {
                guard let message = queue.takeFirst() else { break }
                #expect(message == [UInt8(taken % 251), UInt8(taken % 241)])
                taken += 1
            }
        }
        #expect(queue.count == next - taken && queue.dropped == 0)
    }
}
