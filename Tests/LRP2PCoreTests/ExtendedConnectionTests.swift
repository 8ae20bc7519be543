import Testing

@testable import LRP2PCore

/// Two peers of the extended protocol.
struct ExtendedConnectionTests {
    private func makePair(
        _ change: (inout EndpointConfiguration) -> Void = { _ in }
    ) -> Pair {
        var configuration = EndpointConfiguration()
        configuration.initialBufferBytes = 1 << 20
        change(&configuration)
        return Pair(a: configuration, b: configuration)
    }

    @Test func bytesTravelBothWaysAndStreamsEnd() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        #expect(ours.isExtended && theirs.isExtended)
        #expect(pair.write(pattern(0..<500_000), to: ours, of: pair.a) == 500_000)
        #expect(pair.write(pattern(0..<50_000), to: theirs, of: pair.b) == 50_000)
        pair.a.finishWriting(ours, now: pair.now)
        #expect(pair.run { theirs.isRemoteStreamComplete })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<500_000))
        #expect(!theirs.isClosed)
        pair.b.finishWriting(theirs, now: pair.now)
        #expect(pair.run { ours.isClosed && theirs.isClosed })
        #expect(pair.read(ours, of: pair.a) == pattern(0..<50_000))
        #expect(ours.closeReason == .finished && theirs.closeReason == .finished)
    }

    @Test func acknowledgementsAreFewerThanPackets() throws {
        let pair = makePair { $0.maximumDatagram = 1400 }
        let (ours, _) = try pair.connect()
        let before = pair.sent.count
        _ = pair.write(pattern(0..<500_000), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        let packets = pair.sent[before...]
        let answers = packets.count { !$0.isFromA }
        #expect(answers * 2 <= packets.count - answers + 10)
        #expect(ours.statistics.retransmissions == 0)
    }

    @Test func theSearchFindsTheLargestDatagram() throws {
        let pair = makePair()
        pair.wire = { $0.bytes.count <= 9000 ? [$0] : [] }
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<300_000), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        pair.run(for: .seconds(20))
        #expect(ours.statistics.datagramBytes == 8972)
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<300_000))
    }

    @Test func aBlackHoleIsNoticed() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        var limit = 9000
        pair.wire = { $0.bytes.count <= limit ? [$0] : [] }
        pair.run(for: .seconds(20))
        #expect(ours.statistics.datagramBytes > 8900)
        limit = 1300
        _ = pair.write(pattern(0..<300_000), to: ours, of: pair.a)
        #expect(pair.run(within: .seconds(30)) { ours.sendRing.count == 0 })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<300_000))
    }

    @Test func keysChangeUnderLoss() throws {
        let pair = makePair {
            $0.rekeyAfterPackets = 50
            $0.maximumDatagram = 1400
        }
        let (ours, theirs) = try pair.connect()
        var count = 0
        pair.wire = { flight in
            count += 1
            return count % 7 == 0 ? [] : [flight]
        }
        _ = pair.write(pattern(0..<600_000), to: ours, of: pair.a)
        _ = pair.write(pattern(0..<600_000), to: theirs, of: pair.b)
        #expect(pair.run(within: .seconds(300)) {
            ours.sendRing.count == 0 && theirs.sendRing.count == 0
        })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<600_000))
        #expect(pair.read(ours, of: pair.a) == pattern(0..<600_000))
        #expect(ours.statistics.keyPhase > 5)
        #expect(pair.a.statistics.drops(.unauthenticated) == 0)
    }

    /// The endpoint loses the connection without a word.
    private func forget(_ connection: Connection, of endpoint: Endpoint, in pair: Pair) {
        pair.wire = { _ in [] }
        endpoint.close(connection, now: pair.now)
        pair.flush()
        pair.wire = { [$0] }
    }

    @Test func aPeerThatHasForgottenTheConnectionSaysSo() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        forget(theirs, of: pair.b, in: pair)
        _ = pair.write([1, 2, 3], to: ours, of: pair.a)
        #expect(pair.run(within: .seconds(5)) { ours.isClosed })
        #expect(ours.closeReason == .statelessReset)
    }

    /// Who only listens must not be able to forge a reset.
    @Test func theTokensOfResetsAreNeverInTheClear() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        for connection in [ours, theirs] {
            let token = try #require(connection.extended.peer.statelessResetToken)
            let isSeen = pair.sent.contains { flight in
                flight.bytes.indices.contains { flight.bytes[$0...].starts(with: token) }
            }
            #expect(!isSeen)
        }
        // The responder has the initiator's from message 3.
        forget(ours, of: pair.a, in: pair)
        _ = pair.write([1, 2, 3], to: theirs, of: pair.b)
        #expect(pair.run(within: .seconds(5)) { theirs.isClosed })
        #expect(theirs.closeReason == .statelessReset)
    }

    @Test func aTokenInTheFirstMessageCountsForNothing() throws {
        var own = TransportParameters()
        own.features = .extendedTransport
        own.statelessResetToken = [UInt8](repeating: 7, count: 16)
        #expect(TransportParameters.parse(own.encodeOffer())?.statelessResetToken == nil)
        let pair = makePair()
        let peer = ReferenceLikePeer(role: .initiator, payload: own.encode(minimumLength: 160))
        try peer.establish(with: pair)
        let connection = try #require(peer.connection(of: pair))
        #expect(connection.isExtended)
        #expect(connection.extended.peer.statelessResetToken == nil)
    }

    @Test func aReaderThatPausesKeepsTheConnectionAndADeadOneIsNoticed() throws {
        let pair = makePair {
            $0.initialBufferBytes = 65_536
            $0.idleTimeout = .seconds(30)
        }
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<65_536), to: ours, of: pair.a)
        #expect(pair.run { theirs.receiveRing.count == 65_536 })
        _ = pair.write(pattern(65_536..<80_000), to: ours, of: pair.a)
        pair.run(for: .seconds(300))
        #expect(!ours.isClosed && !theirs.isClosed)
        #expect(ours.statistics.limitedBy == .peerWindow)
        forget(theirs, of: pair.b, in: pair)
        #expect(pair.run(within: .seconds(15)) { ours.isClosed })
        #expect(ours.closeReason == .statelessReset)
    }

    @Test func aClosedConnectionIsClosedForThePeer() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        pair.b.close(theirs, code: ResetCode(rawValue: 0x123), now: pair.now)
        #expect(pair.run(within: .seconds(1)) { ours.isClosed })
        #expect(ours.closeReason == .reset)
        #expect(ours.resetCode?.rawValue == 0x123)
    }

    @Test func messagesArriveOnceOrNotAtAll() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        let sizes = [0, 1, 500, ours.maximumMessageBytes ?? 0]
        for size in sizes {
            #expect(pair.a.sendMessage(pattern(0..<size), to: ours, now: pair.now))
        }
        let tooLong = pattern(0..<(ours.maximumMessageBytes ?? 0) + 1)
        #expect(!pair.a.sendMessage(tooLong, to: ours, now: pair.now))
        pair.run(for: .milliseconds(100))
        for size in sizes {
            #expect(theirs.takeMessage() == pattern(0..<size))
        }
        #expect(theirs.takeMessage() == nil)
    }

    @Test func aPeerThatOffersNothingGetsTheBaseProtocol() throws {
        for offers in [(true, false), (false, true)] {
            var a = EndpointConfiguration.base, b = EndpointConfiguration.base
            a.isExtended = offers.0
            b.isExtended = offers.1
            let pair = Pair(a: a, b: b)
            let (ours, theirs) = try pair.connect()
            #expect(!ours.isExtended && !theirs.isExtended)
            _ = pair.write(pattern(0..<100_000), to: ours, of: pair.a)
            #expect(pair.run { ours.sendRing.count == 0 })
            #expect(pair.read(theirs, of: pair.b) == pattern(0..<100_000))
        }
    }

    @Test func theApplicationProtocolIsTheRespondersFirstChoice() throws {
        var a = EndpointConfiguration(), b = EndpointConfiguration()
        a.applicationProtocols = ["chat/1", "files/2"]
        b.applicationProtocols = ["files/2", "chat/1"]
        let pair = Pair(a: a, b: b)
        let (ours, theirs) = try pair.connect()
        #expect(ours.applicationProtocol == "files/2" && theirs.applicationProtocol == "files/2")
    }

    @Test func underLoadAnInitiatorMustShowItsAddress() throws {
        var b = EndpointConfiguration()
        b.handshakesBeforeCookies = 0
        let pair = Pair(a: EndpointConfiguration(), b: b)
        let (ours, theirs) = try pair.connect()
        #expect(ours.isExtended && theirs.isExtended)
        #expect(pair.b.statistics.handshakesInProgress == 0)
        // Two messages more than without the retry.
        #expect(pair.sent.prefix(3).map(\.isFromA) == [true, false, true])
        #expect(pair.sent[1].bytes.count == AddressValidation.retryLength)
        for (first, second) in zip(pair.sent, pair.sent.dropFirst()).prefix(4)
        where first.isFromA && !second.isFromA {
            #expect(second.bytes.count <= 3 * first.bytes.count)
        }
    }
}
