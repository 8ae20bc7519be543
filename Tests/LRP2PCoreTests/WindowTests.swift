import Testing

@testable import LRP2PCore

/// The peer's window and ours.
struct WindowTests {
    private func smallBuffers() -> EndpointConfiguration {
        var configuration = EndpointConfiguration.base
        configuration.receiveBufferBytes = 16_384
        return configuration
    }

    @Test func windowClosesToZeroAndOpensAgain() throws {
        let pair = Pair(b: smallBuffers())
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<100_000), to: ours, of: pair.a)
        pair.run(for: .seconds(20))
        #expect(ours.peerWindow == 0)
        #expect(ours.statistics.limitedBy == .peerWindow)
        #expect(theirs.statistics.limitedBy == .localReader)
        #expect(theirs.receiveRing.count <= 16_384)
        #expect(theirs.receiveRing.count > 16_384 - WireFormat.maximumPayload)
        #expect(ours.closeReason == nil)

        var received: [UInt8] = []
        while received.count < 100_000 {
            let part = pair.read(theirs, of: pair.b)
            received += part
            let start = theirs.receiveRing.endPosition
            // The word that the window is open gets through at once: no probe is waited for.
            guard pair.run(within: .milliseconds(100), until: {
                theirs.receiveRing.endPosition > start || received.count == 100_000
            }) else { break }
            pair.run(for: .milliseconds(200))
        }
        #expect(received == pattern(0..<100_000))
    }

    @Test func lostWindowUpdateIsMadeUpForByProbes() throws {
        let pair = Pair(b: smallBuffers())
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<40_000), to: ours, of: pair.a)
        pair.run(for: .seconds(5))
        #expect(ours.peerWindow == 0)
        pair.wire = { $0.isFromA ? [$0] : [] }
        _ = pair.read(theirs, of: pair.b)
        pair.flush()
        pair.wire = { [$0] }
        let longest = LossRecovery.maximumProbeTimeout * 2
        #expect(pair.run(within: longest) { theirs.receiveRing.count > 8000 })
    }

    @Test func aClosedWindowIsProbedRarely() throws {
        let pair = Pair(b: smallBuffers())
        pair.delay = .microseconds(100)
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<40_000), to: ours, of: pair.a)
        #expect(pair.run { ours.peerWindow == 0 })
        let sentBefore = pair.sent.count { $0.isFromA }
        pair.run(for: .seconds(60))
        // 0.2 s, then twice as long each time up to 10 s.
        #expect((8...13).contains(pair.sent.count { $0.isFromA } - sentBefore))
        #expect(theirs.closeReason == nil)
    }

    @Test func aClosedWindowIsNoSilence() throws {
        var configuration = smallBuffers()
        configuration.idleTimeout = .seconds(30)
        var ourConfiguration = EndpointConfiguration.base
        ourConfiguration.idleTimeout = .seconds(30)
        let pair = Pair(a: ourConfiguration, b: configuration)
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<40_000), to: ours, of: pair.a)
        pair.run(for: .seconds(600))
        #expect(ours.closeReason == nil && theirs.closeReason == nil)
        var received = pair.read(theirs, of: pair.b)
        while received.count < 40_000, pair.run(until: { theirs.receiveRing.count > 0 }) {
            received += pair.read(theirs, of: pair.b)
        }
        #expect(received == pattern(0..<40_000))
    }

    @Test(arguments: [1, 2, 5])
    func aClosedWindowIsNoSilenceForAShortIdleTimeoutEither(seconds: Int64) throws {
        var configuration = smallBuffers()
        configuration.idleTimeout = .seconds(seconds)
        let pair = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<40_000), to: ours, of: pair.a)
        pair.run(for: .seconds(120))
        #expect(ours.closeReason == nil && theirs.closeReason == nil)
    }

    @Test func anUpdateOfTheWindowIsNotTakenForASecondArrival() throws {
        let pair = Pair(b: smallBuffers())
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<15_000), to: ours, of: pair.a)
        // The last segment is lost once, so the last in order is a retransmission.
        var isLost = false
        pair.wire = { flight in
            guard flight.isFromA, flight.bytes.count < 1300, flight.bytes.count > 32, !isLost
            else { return [flight] }
            isLost = true
            return []
        }
        #expect(pair.run { theirs.receiveRing.count == 15_000 && ours.sendRing.count == 0 })
        #expect(isLost && ours.statistics.retransmissions == 1)
        _ = pair.read(theirs, of: pair.b)
        pair.run(for: .seconds(1))
        #expect(ours.peerWindow == theirs.assembler.largestWindow)
        #expect(ours.statistics.spuriousRetransmissions == 0)
    }

    @Test func anOlderAcknowledgementDoesNotReopenTheWindow() throws {
        let pair = Pair(b: smallBuffers())
        let (ours, theirs) = try pair.connect()
        // The acknowledgements of the first flight arrive last one first.
        var held: [Pair.Flight] = []
        pair.wire = { flight in
            if flight.isFromA { return [flight] }
            held.append(flight)
            return []
        }
        _ = pair.write(pattern(0..<13_620), to: ours, of: pair.a)
        #expect(pair.run { theirs.receiveRing.count == 13_620 })
        pair.flush()
        for flight in held.reversed() { pair.deliver(flight) }
        #expect(ours.peerWindow == theirs.lastToldWindow)
        #expect(ours.peerWindow == (16_384 - 13_620) / WireFormat.maximumPayload)
    }

    @Test func tinySegmentsDoNotOverrunTheBuffer() throws {
        let pair = Pair(b: smallBuffers())
        let (ours, theirs) = try pair.connect()
        var written = 0
        while written < 16_000 {
            let count = pair.write([UInt8](repeating: 1, count: 17), to: ours, of: pair.a)
            written += count
            pair.flush()
            _ = pair.step()
        }
        #expect(pair.run { theirs.receiveRing.count == written })
        #expect(pair.b.statistics.drops(.receiveBufferFull) == 0)
    }
}
