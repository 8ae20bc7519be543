import Testing

@testable import LRP2PCore

/// Connections of the extended protocol on bad paths, and against peers that say anything; the same
/// seeds each time.
struct ExtendedStressTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func bothStreamsArriveAndEndOnABadPath(seed: UInt64) throws {
        var configuration = EndpointConfiguration()
        configuration.rekeyAfterPackets = 30
        configuration.maximumDatagram = seed % 3 == 0 ? 9000 : 1400
        configuration.congestionControl = seed % 2 == 0 ? .bbr : .cubic
        configuration.initialBufferBytes = 32 << 10
        let pair = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try pair.connect()
        var random = SplitMix64(seed: seed)
        var held: [Pair.Flight] = []
        pair.wire = { flight in
            let chance = random.next() % 100
            if chance < 15 { return [] }
            if chance < 25 {
                held.append(flight)
                return []
            }
            if chance < 30 { return [flight, flight] }
            if chance < 40 {
                defer { held.removeAll() }
                return [flight] + held.filter { $0.isFromA == flight.isFromA }
            }
            return [flight]
        }
        let length = 200_000
        var sentA = 0, sentB = 0
        var readA: [UInt8] = [], readB: [UInt8] = []
        let isDone = pair.run(within: .seconds(600)) {
            if sentA < length {
                sentA += pair.write(
                    pattern(sentA..<min(length, sentA + 20_000)), to: ours, of: pair.a)
                if sentA == length { pair.a.finishWriting(ours, now: pair.now) }
            }
            if sentB < length {
                sentB += pair.write(
                    pattern(sentB..<min(length, sentB + 20_000)), to: theirs, of: pair.b)
                if sentB == length { pair.b.finishWriting(theirs, now: pair.now) }
            }
            readA += pair.read(ours, of: pair.a)
            readB += pair.read(theirs, of: pair.b)
            return ours.isClosed && theirs.isClosed
        }
        #expect(isDone)
        #expect(readA == pattern(0..<length))
        #expect(readB == pattern(0..<length))
        // The last word of one side may have been lost: then the other is gone when it asks again.
        let reasons: [CloseReason?] = [ours.closeReason, theirs.closeReason]
        #expect(reasons.contains(.finished))
        #expect(reasons.allSatisfy { $0 == .finished || $0 == .statelessReset })
    }

    /// Whatever an authenticated peer says, nothing traps and sending comes to an end.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func nothingThatAPeerSaysIsFatal(seed: UInt64) throws {
        var configuration = EndpointConfiguration()
        configuration.congestionControl = seed % 2 == 0 ? .bbr : .cubic
        configuration.rekeyAfterPackets = 20
        let peer = try MaliciousPeer(Pair(a: configuration, b: configuration))
        var random = SplitMix64(seed: seed)
        for _ in 0..<400 where !peer.victim.isClosed {
            var flight = peer.packet { writer in
                for _ in 0...random.next() % 6 { writeFrame(to: &writer, of: peer, &random) }
            }
            switch random.next() % 12 {
            case 0: flight.bytes[Int(random.next() % UInt64(flight.bytes.count))] ^= 1
            case 1: act(on: peer, &random)
            case 2: peer.pass(.milliseconds(Int64(random.next() % 3000)))
            default: break
            }
            let source = random.next() % 20 == 0
                ? SocketAddress(ipv4: UInt32(random.next() % 3), port: 9) : Pair.addressA
            flight.bytes.withUnsafeMutableBytes {
                peer.pair.b.handleDatagram($0, from: source, now: peer.pair.now)
            }
            peer.ignoreAnswers()
            _ = peer.victim.statistics
        }
        #expect(peer.victim.recovery.bytesInFlight >= 0)
        #expect(peer.victim.receiveRing.count <= configuration.receiveBufferBytes)
    }

    private func act(on peer: MaliciousPeer, _ random: inout SplitMix64) {
        let pair = peer.pair
        switch random.next() % 6 {
        case 0, 1:
            let count = Int(random.next() % 50_000)
            _ = pair.write([UInt8](repeating: 1, count: count), to: peer.victim, of: pair.b)
        case 2, 3: _ = pair.read(peer.victim, of: pair.b, max: Int(random.next() % 50_000))
        case 4: _ = pair.b.sendMessage([1, 2, 3], to: peer.victim, now: pair.now)
        default: if random.next() % 8 == 0 { pair.b.finishWriting(peer.victim, now: pair.now) }
        }
    }

    private func writeFrame(
        to writer: inout FrameWriter, of peer: MaliciousPeer, _ random: inout SplitMix64
    ) {
        let extremes: [UInt64] = [0, 1, VariableLengthInteger.maximum, 1 << 32, 1 << 56]
        let wild = extremes[Int(random.next() % 5)] &- random.next() % 2
        let wildest = min(wild, VariableLengthInteger.maximum)
        let bytes = [UInt8](repeating: 7, count: Int(random.next() % 1000))
        switch random.next() % 9 {
        case 0, 1, 2:
            let position = peer.victim.receiveRing.endPosition
            let distance = random.next() % 4 == 0 ? 0 : random.next() % 30_000
            let near = position + distance - min(position + distance, random.next() % 3000)
            // Beyond the window the connection ends: seldom.
            let offset = random.next() % 400 == 0 ? wildest : near
            let isFinal = random.next() % 4000 == 0
            guard let room = writer.beginStream(offset: offset, isFinal: isFinal) else { return }
            let count = min(bytes.count, room.count)
            room.copyBytes(from: bytes[..<count])
            writer.endStream(length: count)
        case 3, 4:
            let next = peer.victim.recovery.nextNumber
            var ranges = OffsetRanges()
            for _ in 0...random.next() % 5 {
                let first = random.next() % (next + 1)
                ranges.insert(first..<first + 1 + random.next() % 20)
            }
            if random.next() % 10 == 0 { ranges.insert(0..<wildest + 1) }
            _ = writer.writeAcknowledgement(
                ranges, delay: Interval(nanoseconds: Int64(random.next() >> 3)),
                ecn: random.next() % 2 == 0 ? nil : ECNCounts(ect0: wildest, ect1: 0, ce: wildest))
        case 5: _ = writer.writeWindow(maximum: wildest)
        case 6: _ = writer.writePathChallenge(random.next())
        case 7: _ = writer.writePathResponse(random.next())
        default: bytes.withUnsafeBytes { _ = writer.writeDatagram($0, isLast: false) }
        }
    }
}
