import Testing

@testable import LRP2PCore

/// What a connection of the extended protocol makes of lost, late and reordered packets.
struct ExtendedLivenessTests {
    private func makePair(
        _ change: (inout EndpointConfiguration) -> Void = { _ in }
    ) -> Pair {
        var configuration = EndpointConfiguration()
        configuration.initialBufferBytes = 1 << 20
        configuration.maximumDatagram = 1400
        change(&configuration)
        return Pair(a: configuration, b: configuration)
    }

    /// A piece that is sent again may span ranges of which some have arrived meanwhile.
    @Test func anAcknowledgementThatEndsWithinAnotherCompletesBoth() {
        var stream = SendStream(limit: 100)
        func packet(_ range: Range<UInt64>) -> SentPacket {
            var packet = SentPacket()
            packet.offset = range.lowerBound
            packet.length = UInt16(range.count)
            packet.contents = .data
            return packet
        }
        stream.didAcknowledge(packet(10..<20))
        stream.didAcknowledge(packet(30..<40))
        stream.didAcknowledge(packet(0..<35))
        #expect(stream.acknowledgedUpTo == 40)
    }

    /// The probe timeout is no longer than a quarter of the idle timeout, the round trip is.
    @Test func answersThatComeAfterTheProbeTimeoutCount() throws {
        let pair = makePair { $0.idleTimeout = .seconds(4) }
        pair.delay = .milliseconds(400)
        let (ours, theirs) = try pair.connect()
        pair.run(for: .seconds(1))
        pair.delay = .milliseconds(700)
        _ = pair.write(pattern(0..<50_000), to: ours, of: pair.a)
        #expect(pair.run(within: .seconds(60)) { ours.sendRing.count == 0 })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<50_000))
        let latest = try #require(ours.statistics.latestRTT)
        #expect(latest >= .milliseconds(1400))
    }

    @Test func aShortIdleTimeoutLeavesTimeForProbes() throws {
        var b = EndpointConfiguration()
        b.idleTimeout = .seconds(1)
        b.maximumDatagram = 1400
        let pair = Pair(a: EndpointConfiguration(), b: b)
        pair.delay = .milliseconds(450)
        let (ours, _) = try pair.connect()
        pair.run(for: .milliseconds(500))
        pair.wire = { _ in [] }
        let before = pair.sent.count
        _ = pair.write(pattern(0..<500), to: ours, of: pair.a)
        #expect(pair.run { ours.isClosed })
        #expect(ours.closeReason == .idleTimeout)
        #expect(pair.sent[before...].count { $0.isFromA && $0.bytes.count > 500 } >= 2)
    }

    /// RFC 9000 §13.4.2.1.
    @Test func acknowledgementsThatChangePlacesDoNotEndECN() throws {
        let pair = makePair()
        let peer = try MaliciousPeer(pair)
        let victim = peer.victim
        // The wire between a pair carries no marks, which has been noticed.
        victim.extended.ecn = ECNCounts()
        victim.extended.markedSent = 0
        _ = pair.write(pattern(0..<10_000), to: victim, of: pair.b)
        peer.ignoreAnswers()
        let marked = victim.extended.markedSent
        #expect(marked > 1)
        let last = victim.recovery.nextNumber - 1
        func acknowledge(upTo number: UInt64, marks: UInt64) -> Pair.Flight {
            var ranges = OffsetRanges()
            ranges.insert(0..<number + 1)
            return peer.packet {
                _ = $0.writeAcknowledgement(
                    ranges, delay: .zero, ecn: ECNCounts(ect0: marks, ect1: 0, ce: 0))
            }
        }
        let older = acknowledge(upTo: last - 1, marks: marked - 1)
        pair.deliver(acknowledge(upTo: last, marks: marked))
        pair.deliver(older)
        #expect(victim.extended.ecn?.ect0 == marked)
    }

    @Test func thePeersLongestDatagramCountsFromTheFirstPacketOn() throws {
        var a = EndpointConfiguration(), b = EndpointConfiguration()
        a.initialBufferBytes = 1 << 20
        b.initialBufferBytes = 1 << 20
        b.maximumDatagram = 1250
        let pair = Pair(a: a, b: b)
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<50_000), to: ours, of: pair.a)
        _ = pair.write(pattern(0..<50_000), to: theirs, of: pair.b)
        #expect(pair.run { ours.sendRing.count == 0 && theirs.sendRing.count == 0 })
        #expect(pair.sent.map(\.bytes.count).max() == 1250)
    }

    @Test func theRoundTripOfARetryIsNotTakenForTheHandshakes() throws {
        var b = EndpointConfiguration()
        b.handshakesBeforeCookies = 0
        let pair = Pair(a: EndpointConfiguration(), b: b)
        // The first message is lost, so that the retry comes a second late.
        var count = 0
        pair.wire = { flight in
            count += 1
            return count == 1 ? [] : [flight]
        }
        let (ours, _) = try pair.connect()
        #expect(ours.statistics.latestRTT == .milliseconds(20))
        #expect(ours.isExtended)
    }
}
