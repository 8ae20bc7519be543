import Testing

@testable import LRP2PCore

/// What strangers, and peers that keep to no rule, can do to a connection of the extended protocol.
struct ExtendedAttackTests {
    private func makePair(
        _ change: (inout EndpointConfiguration) -> Void = { _ in }
    ) -> Pair {
        var configuration = EndpointConfiguration()
        configuration.initialBufferBytes = 1 << 20
        configuration.maximumDatagram = 1400
        change(&configuration)
        return Pair(a: configuration, b: configuration)
    }

    // MARK: Another's address

    /// RFC 9000 §9.3.3. The peer is only reading, so nothing newer comes from where it is.
    @Test func aCopiedPacketDoesNotStopTheConnection() throws {
        let pair = makePair()
        let (ours, theirs) = try pair.connect()
        pair.run(for: .seconds(1))
        let stranger = SocketAddress(ipv4: 0x0a00_0009, port: 9)
        #expect(pair.write([1], to: ours, of: pair.a) == 1)
        var copy = [UInt8]()
        pair.wire = { flight in
            if flight.isFromA { copy = flight.bytes }
            return []
        }
        pair.flush()
        copy.withUnsafeMutableBytes {
            pair.b.handleDatagram($0, from: stranger, now: pair.now)
        }
        #expect(theirs.remoteAddress == stranger)
        // What goes to the stranger is lost.
        pair.wire = { flight in
            flight.isFromA || theirs.remoteAddress == Pair.addressA ? [flight] : []
        }
        // The acknowledgement is lost with the rest; the peer does not repeat the byte.
        ours.recovery = LossRecovery()
        _ = pair.write(pattern(0..<100_000), to: theirs, of: pair.b)
        #expect(pair.run(within: .seconds(30)) { theirs.remoteAddress == Pair.addressA })
        #expect(pair.run(within: .seconds(30)) { ours.receiveRing.count == 100_000 })
    }

    /// An initiator that writes another's address on message 3 must not have that flooded.
    @Test(arguments: [true, false])
    func messageThreeIsNoProofOfItsSource(isExtended: Bool) throws {
        let pair = makePair { $0.isExtended = isExtended }
        let target = SocketAddress(ipv4: 0x0a00_0009, port: 9)
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        var third: [UInt8] = []
        pair.wire = { flight in
            guard ours.isEstablished, flight.isFromA else { return [flight] }
            if third.isEmpty { third = flight.bytes }
            return []
        }
        #expect(pair.run(within: .seconds(1)) { !third.isEmpty })
        // Message 1, in the name of the target, gets another answer than ours.
        let first = try #require(pair.sent.first)
        var copy = first.bytes
        copy.withUnsafeMutableBytes {
            pair.b.handleDatagram($0, from: target, now: pair.now)
        }
        third.withUnsafeMutableBytes {
            pair.b.handleDatagram($0, from: target, now: pair.now)
        }
        pair.flush()
        let theirs = try #require(pair.accepted)
        #expect(pair.write(pattern(0..<50_000), to: theirs, of: pair.b) == 50_000)
        var bytes = 0
        withUnsafeTemporaryAllocation(byteCount: Endpoint.maximumDatagramSize, alignment: 8) {
            while let transmit = pair.b.pollTransmit(into: $0, now: pair.now) {
                if transmit.destination == target { bytes += transmit.length }
            }
        }
        #expect(bytes <= 3 * third.count)
    }

    /// A credit of 39 bytes has room for 7 of plaintext, fewer than a packet is filled up to.
    @Test func aSmallCreditIsNotFilledUpBeyond() throws {
        let peer = try MaliciousPeer(makePair())
        var flight = peer.packet { _ = $0.padding(to: 9) }
        #expect(flight.bytes.count == 41)
        flight.bytes.withUnsafeMutableBytes {
            peer.pair.b.handleDatagram(
                $0, from: SocketAddress(ipv4: 0x0a00_0009, port: 9), now: peer.pair.now)
        }
        // The challenge, and a byte.
        peer.ignoreAnswers()
        #expect(peer.pair.write([1], to: peer.victim, of: peer.pair.b) == 1)
        peer.ignoreAnswers()
        #expect(peer.victim.extended.path.room == 39)
        #expect(peer.pair.write(pattern(0..<1000), to: peer.victim, of: peer.pair.b) == 1000)
        peer.ignoreAnswers()
        #expect(peer.victim.extended.path.room < 39)
    }

    // MARK: Memory

    private func recordsKept(_ connection: Connection) -> UInt64 {
        connection.recovery.nextNumber - connection.recovery.firstUnsettled
    }

    @Test func aPeerThatAcknowledgesNothingCannotFillOurMemoryWithAcknowledgements() throws {
        let peer = try MaliciousPeer(makePair())
        // One byte that the peer never acknowledges.
        _ = peer.pair.write([1], to: peer.victim, of: peer.pair.b)
        peer.ignoreAnswers()
        let limit = LossRecovery.maximumSettled
        for number in 0..<2 * limit + 1000 {
            peer.send { _ = $0.writePing() }
            peer.ignoreAnswers()
            if number % 1000 == 0 { peer.pass(.milliseconds(1)) }
        }
        #expect(recordsKept(peer.victim) <= UInt64(limit) + 1000)
    }

    @Test func aPeerThatAcknowledgesNothingCannotFillOurMemoryWithAnswers() throws {
        let peer = try MaliciousPeer(makePair())
        for number in 0..<20_000 {
            peer.send { _ = $0.writePathChallenge(UInt64(number)) }
            peer.ignoreAnswers()
        }
        #expect(peer.victim.recovery.packetsInFlight < 2000)
    }

    @Test func aRepeatedThirdMessageCannotFillOurMemory() throws {
        let pair = makePair()
        let (_, theirs) = try pair.connect()
        pair.run(for: .seconds(1))
        let third = theirs.thirdMessage.datagram
        pair.wire = { _ in [] }
        for _ in 0..<20_000 {
            pair.deliver(.init(isFromA: true, bytes: third))
            pair.flush()
        }
        #expect(theirs.recovery.packetsInFlight < 2000)
    }

    @Test func messagesThatNobodyTakesAreBounded() throws {
        let peer = try MaliciousPeer(makePair())
        let message = pattern(0..<65_000)
        for _ in 0..<MessageQueue.maximumMessages {
            peer.send { writer in
                _ = message.withUnsafeBytes { writer.writeDatagram($0) }
            }
        }
        var bytes = 0
        while let message = peer.victim.takeMessage() { bytes += message.count }
        #expect(bytes >= 65_000 && bytes <= MessageQueue.maximumBytes)
    }

    @Test func datagramsThatAnyoneCanHaveUsKeepAreSmall() throws {
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        let source = SocketAddress(ipv4: 1, port: 9)
        let now = Instant(nanoseconds: 0)
        let id = [UInt8](repeating: 1, count: 8), key = [UInt8](repeating: 9, count: 32)
        func send(_ bytes: [UInt8]) {
            var bytes = bytes
            bytes.withUnsafeMutableBytes { endpoint.handleDatagram($0, from: source, now: now) }
        }
        // Message 1 with a payload that no endpoint has to say.
        send(id + key + [UInt8](repeating: 0, count: 60_000))
        #expect(endpoint.statistics.handshakesInProgress == 0)
        #expect(endpoint.statistics.drops(.tooLong) == 1)
        send(id + key)
        #expect(endpoint.statistics.handshakesInProgress == 1)
        // Data before message 3 is no longer than a connection begins with.
        send(id + [0x80] + [UInt8](repeating: 0, count: WireFormat.initialDatagram - 9))
        #expect(endpoint.statistics.drops(.tooLong) == 1)
        send(id + [0x80] + [UInt8](repeating: 0, count: WireFormat.initialDatagram - 8))
        #expect(endpoint.statistics.drops(.tooLong) == 2)
    }

    @Test func aHostThatHasShownItsAddressHasALimitToo() throws {
        var configuration = EndpointConfiguration()
        configuration.maximumHandshakesPerHost = 4
        configuration.handshakesBeforeCookies = 0
        let endpoint = Pair.makeEndpoint(configuration, seed: 3)
        let now = Instant(nanoseconds: 1_000_000_000)
        func begin(_ count: Int, from source: SocketAddress) throws {
            for number in 0..<count {
                let id = ConnectionID(rawValue: source.low << 32 | UInt64(number))
                var offer = try #require(endpoint.ownParameters(for: id))
                offer.addressCookie = endpoint.addressValidation.cookie(
                    for: source, id, now: now)
                var bytes = withUnsafeBytes(of: id.rawValue.bigEndian) { Array($0) }
                bytes += [UInt8](repeating: 9, count: 32)
                bytes += offer.encode(minimumLength: WireFormat.minimumOffer)
                bytes.withUnsafeMutableBytes {
                    endpoint.handleDatagram($0, from: source, now: now)
                }
            }
        }
        try begin(10, from: SocketAddress(ipv4: 1, port: 9))
        #expect(endpoint.statistics.handshakesInProgress == 4)
        try begin(10, from: SocketAddress(ipv4: 2, port: 9))
        #expect(endpoint.statistics.handshakesInProgress == 8)
    }

    @Test func aClosedConnectionReservesNothing() throws {
        let budget = MemoryBudget(limit: 64 << 20)
        let pair = makePair {
            $0.initialBufferBytes = 64 << 10
            $0.memoryBudget = budget
        }
        let (ours, theirs) = try pair.connect()
        var sent = 0
        let grown = pair.run {
            sent += pair.write(pattern(0..<50_000), to: ours, of: pair.a)
            if theirs.receiveRing.limit < 1 << 20 { _ = pair.read(theirs, of: pair.b) }
            return theirs.receiveRing.count > 512 << 10
        }
        #expect(grown && budget.reserved > 1 << 20)
        pair.a.close(ours, now: pair.now)
        pair.b.close(theirs, now: pair.now)
        // What can still be read keeps its reservation, until it is read.
        #expect(budget.reserved > 256 << 10)
        while !pair.read(theirs, of: pair.b, max: 40_000).isEmpty {}
        #expect(theirs.receiveRing.limit == 64 << 10)
        #expect(budget.reserved == ours.sendRing.count - min(ours.sendRing.count, 64 << 10))
    }
}
