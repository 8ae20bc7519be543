import Noise
import Sodium
import Testing

@testable import LRP2PCore

/// One test for each hazard of a reference peer (PROTOCOL.md §2), by its number.
///
/// A `ReferenceLikePeer` does what the hazard says of the reference, and the test shows that ours
/// survives it and does not cause it.
struct HazardTests {
    // MARK: 1. It never retransmits a handshake message and never times out.

    @Test func hazard1_firstMessageIsRepeatedSparinglyAndIdentically() throws {
        let pair = Pair()
        pair.wire = { _ in [] }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        let start = pair.now
        var times: [Interval] = []
        pair.flush()
        times.append(.zero)
        while ours.closeReason == nil, pair.step() {
            while times.count < pair.sent.count { times.append(pair.now - start) }
        }
        #expect(times == [.zero, .seconds(1), .seconds(3), .seconds(7)])
        #expect(pair.sent.allSatisfy { $0.bytes == pair.sent[0].bytes && $0.bytes.count == 40 })
        #expect(ours.closeReason == .handshakeTimeout)
        #expect(pair.now - start == .seconds(10))
    }

    @Test func hazard1_thirdMessageIsSaidMoreThanOnceAndBeforeAnyData() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .responder)
        pair.wire = { flight in flight.isFromA ? peer.receive(flight.bytes) : [flight] }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        _ = pair.write(pattern(0..<10), to: ours, of: pair.a)
        let done = pair.run(within: .seconds(1)) { peer.received == pattern(0..<10) }
        #expect(done)
        let kinds = peer.log
        let thirds = kinds.indices.filter { kinds[$0] == .third }
        let firstData = try #require(kinds.firstIndex(of: .data))
        #expect(thirds.filter { $0 < firstData }.count >= 2)
        #expect(kinds.filter { $0 == .third }.count <= 3)
    }

    @Test func hazard1_lostThirdMessageIsMadeUpForBeforeDataGetsThere() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .responder)
        var isFirstThird = true
        pair.wire = { flight in
            guard flight.isFromA else { return [flight] }
            if flight.bytes.count == 72, isFirstThird {
                isFirstThird = false
                return []
            }
            return peer.receive(flight.bytes)
        }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        _ = pair.write(pattern(0..<5000), to: ours, of: pair.a)
        #expect(pair.run { peer.received == pattern(0..<5000) })
        #expect(!peer.isDead)
    }

    @Test func hazard1_repeatedFirstMessageGetsTheIdenticalAnswer() {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator)
        var answers: [[UInt8]] = []
        for _ in 0..<3 {
            pair.deliver(.init(isFromA: false, bytes: peer.firstDatagram))
            pair.flush()
            if let last = pair.sent.last { answers.append(last.bytes) }
        }
        #expect(answers.count == 3)
        #expect(answers.allSatisfy { $0 == answers[0] && $0.count == 104 })
        #expect(pair.a.statistics.handshakesInProgress == 1)
    }

    @Test func hazard1_damagedFirstMessageDoesNotStandInTheWay() throws {
        let pair = Pair()
        var isDamaged = true
        pair.wire = { flight in
            guard isDamaged, flight.isFromA else { return [flight] }
            isDamaged = false
            var damaged = flight
            damaged.bytes[20] ^= 0x10
            return [damaged]
        }
        let (ours, theirs) = try pair.connect()
        _ = pair.write([1, 2, 3], to: ours, of: pair.a)
        #expect(pair.run { theirs.receiveRing.count == 3 })
        #expect(pair.b.statistics.handshakesInProgress == 0)
    }

    // MARK: 2. It crashes on short datagrams and on a segment whose offset exceeds its length.

    @Test func hazard2_noDatagramOfOursIsShortInAnyPhase() throws {
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<200_000), to: ours, of: pair.a)
        _ = pair.write([1], to: theirs, of: pair.b)
        #expect(pair.run { ours.sendRing.count == 0 && theirs.sendRing.count == 0 })
        #expect(pair.sent.allSatisfy { $0.bytes.count >= 32 && $0.bytes.count <= 1400 })
    }

    @Test func hazard2_shortDatagramsAreCountedAndDropped() throws {
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        let id = Array(pair.sent[0].bytes.prefix(8))
        for length in 0..<32 {
            let bytes = Array((id + [UInt8](repeating: 0xaa, count: 24)).prefix(length))
            pair.deliver(.init(isFromA: true, bytes: bytes))
            pair.deliver(.init(isFromA: false, bytes: bytes))
        }
        #expect(pair.b.statistics.drops(.tooShort) == 32)
        #expect(pair.a.statistics.drops(.tooShort) == 32)
        _ = pair.write([1, 2, 3], to: ours, of: pair.a)
        #expect(pair.run { theirs.receiveRing.count == 3 })
    }

    @Test func hazard2_segmentWithOffsetBeyondItsLengthIsMalformed() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator)
        try peer.establish(with: pair)
        for plaintext in [
            [1], [6, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0], [255, 2, 0, 0, 0, 0, 9],
            [5, 0, 0, 0, 0, 0], [9, 1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0], [10, 1, 0, 0, 0, 0],
            [6, 1, 0, 0, 0, 0, 0, 0, 0, 0], [12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]] {
            pair.deliver(.init(isFromA: false, bytes: peer.seal(plaintext)))
        }
        #expect(pair.a.statistics.drops(.malformed) == 9)
        pair.deliver(.init(isFromA: false, bytes: peer.data(0, pattern(0..<7))))
        #expect(peer.connection(of: pair)?.receiveRing.count == 7)
    }

    // MARK: 3. It sends an empty datagram when its handshake fails.

    @Test func hazard3_bareConnectionIDEndsNothing() throws {
        let pair = Pair()
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        pair.flush()
        pair.deliver(.init(isFromA: false, bytes: Array(pair.sent[0].bytes.prefix(8))))
        #expect(ours.closeReason == nil)
        #expect(pair.run { !ours.remoteStaticKey.isEmpty })
    }

    // MARK: 4. It serves one connection per process.

    @Test func hazard4_oursServesManyAtOnce() throws {
        let pair = Pair()
        let connections = try (0..<50).map { _ in
            try pair.a.connect(to: Pair.addressB, now: pair.now)
        }
        for (index, connection) in connections.enumerated() {
            _ = pair.write(pattern(index..<index + 5000), to: connection, of: pair.a)
        }
        #expect(pair.run { connections.allSatisfy { $0.sendRing.count == 0 } })
        var received: [[UInt8]] = []
        for case .accepted(let connection) in pair.eventsB {
            received.append(pair.read(connection, of: pair.b))
        }
        #expect(received.count == 50)
        let sent = Set((0..<50).map { pattern($0..<$0 + 5000) })
        #expect(Set(received) == sent)
    }

    // MARK: 5. It acknowledges and drops what is too far ahead, and sits on one ring index.

    @Test func hazard5_neverMoreOutstandingThanTheRingTakes() throws {
        let pair = Pair()
        pair.delay = .microseconds(1)
        let peer = ReferenceLikePeer(role: .responder)
        pair.wire = { flight in flight.isFromA ? peer.receive(flight.bytes) : [flight] }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { ours.isEstablished && ours.thirdMessage.holdsDataUntil == nil })
        // Segment 0 never gets through, and every byte is a segment of its own.
        peer.refuses = { $0 == 0 }
        for _ in 0..<66_000 {
            _ = pair.write([7], to: ours, of: pair.a)
            let sent = ours.segments.nextNew
            _ = pair.run(within: .milliseconds(1)) {
                ours.segments.nextNew > sent && ours.recovery.packetsInFlight <= 2
            }
        }
        #expect(ours.segments.span == 65_534)
        #expect(peer.furthest == 65_533)
        // Once it gets through, the rest follows.
        peer.refuses = { _ in false }
        #expect(pair.run { ours.sendRing.count == 0 })
        #expect(peer.received == [UInt8](repeating: 7, count: 66_000))
    }

    @Test func hazard5_gapFilledAtTheLastRingIndexIsFollowedByAKeepAlive() throws {
        var configuration = EndpointConfiguration.base
        configuration.initialSequenceNumber = 65_530
        let pair = Pair(a: configuration)
        let peer = ReferenceLikePeer(role: .responder)
        peer.firstSequenceNumber = 65_530
        pair.wire = { flight in flight.isFromA ? peer.receive(flight.bytes) : [flight] }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { !ours.remoteStaticKey.isEmpty })
        var refusals = 1
        peer.refuses = { position in
            guard position == 65_534, refusals > 0 else { return false }
            refusals -= 1
            return true
        }
        _ = pair.write(pattern(0..<20_000), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        pair.run(for: .seconds(1))
        let keepAlive = try #require(peer.log.lastIndex(of: .keepAlive))
        let data = try #require(peer.log.lastIndex(of: .data))
        #expect(refusals == 0)
        #expect(keepAlive > data)
    }

    @Test func hazard5_aLateSegmentAtTheLastRingIndexIsFollowedByAKeepAliveToo() throws {
        var configuration = EndpointConfiguration.base
        configuration.initialSequenceNumber = 65_530
        let pair = Pair(a: configuration)
        let peer = ReferenceLikePeer(role: .responder)
        peer.firstSequenceNumber = 65_530
        // One datagram of the flight is held back until all others are there.
        var number = 0
        var late: Pair.Flight?
        pair.wire = { flight in
            guard flight.isFromA else { return [flight] }
            if flight.bytes.count == 1400 {
                number += 1
                if number == 5 {
                    late = flight
                    return []
                }
                if number == 7, let held = late {
                    return peer.receive(flight.bytes) + peer.receive(held.bytes)
                }
            }
            return peer.receive(flight.bytes)
        }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { !ours.remoteStaticKey.isEmpty })
        _ = pair.write(pattern(0..<7 * WireFormat.maximumPayload), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        pair.run(for: .seconds(1))
        #expect(ours.statistics.retransmissions == 0)
        let keepAlive = try #require(peer.log.lastIndex(of: .keepAlive))
        let data = try #require(peer.log.lastIndex(of: .data))
        #expect(keepAlive > data)
    }

    // MARK: 6. Near sequence 2³² it acknowledges and discards.

    @Test func hazard6_referencePeerIsLeftBeforeTheWrap() throws {
        var configuration = EndpointConfiguration.base
        configuration.initialSequenceNumber = UInt32.max - 65_600
        let pair = Pair(a: configuration)
        let peer = ReferenceLikePeer(role: .responder)
        peer.firstSequenceNumber = UInt64(configuration.initialSequenceNumber)
        pair.wire = { flight in flight.isFromA ? peer.receive(flight.bytes) : [flight] }
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { !ours.remoteStaticKey.isEmpty })
        _ = pair.write(pattern(0..<200_000), to: ours, of: pair.a)
        #expect(pair.run { ours.closeReason != nil })
        #expect(ours.closeReason == .sequenceExhausted)
        #expect(peer.furthestPosition < (1 << 32) - 65_534)
        // What was sent by then was delivered, not lost in the middle.
        #expect(peer.received == Array(pattern(0..<200_000).prefix(peer.received.count)))
        #expect(UInt64(peer.received.count) == ours.sendRing.startPosition)
    }

    @Test func hazard6_ourOwnPeersWrap() throws {
        var configuration = EndpointConfiguration.base
        configuration.initialSequenceNumber = UInt32.max - 20
        let pair = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<200_000), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<200_000))
        #expect(ours.segments.nextNew > 1 << 32)
    }

    // MARK: 7. It bursts, freezes its timeout, and remembers nonces before authenticating them.

    @Test func hazard7_forgedNonceDoesNotBlockTheTrueOne() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator)
        try peer.establish(with: pair)
        let genuine = peer.data(0, pattern(0..<20))
        var forged = genuine
        forged[forged.count - 1] ^= 1
        pair.deliver(.init(isFromA: false, bytes: forged))
        pair.deliver(.init(isFromA: false, bytes: genuine))
        pair.deliver(.init(isFromA: false, bytes: genuine))
        #expect(pair.a.statistics.drops(.unauthenticated) == 1)
        #expect(pair.a.statistics.drops(.replayed) == 1)
        #expect(peer.connection(of: pair)?.receiveRing.count == 20)
    }

    @Test func hazard7_aBurstOfAWholeWindowStaysWithinTheBuffer() throws {
        var configuration = EndpointConfiguration.base
        configuration.receiveBufferBytes = 16_384
        let pair = Pair(a: configuration)
        let peer = ReferenceLikePeer(role: .initiator)
        try peer.establish(with: pair)
        let connection = try #require(peer.connection(of: pair))
        // It ignores the window it is told, and the first segment comes last.
        let segments = (0..<100).map { pattern($0 * 1330..<($0 + 1) * 1330) }
        var next = 0
        var rounds = 0
        var received: [UInt8] = []
        while received.count < 133_000, rounds < 200 {
            for position in stride(from: 99, through: next, by: -1) {
                pair.deliver(
                    .init(isFromA: false, bytes: peer.data(UInt32(position), segments[position])))
                #expect(connection.receiveRing.count <= 16_384)
            }
            received += pair.read(connection, of: pair.a)
            next = received.count / 1330
            pair.flush()
            rounds += 1
        }
        #expect(received == pattern(0..<133_000))
        #expect(pair.a.statistics.drops(.receiveBufferFull) > 0)
    }

    // MARK: 8. It has no close, no keepalive, no idle timeout.

    @Test func hazard8_silenceEndsTheConnection() throws {
        var configuration = EndpointConfiguration.base
        configuration.idleTimeout = .seconds(30)
        let pair = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try pair.connect()
        let start = pair.now
        pair.run(for: .seconds(100))
        #expect(ours.closeReason == .idleTimeout && theirs.closeReason == .idleTimeout)
        #expect(pair.now - start == .seconds(100))
        #expect(pair.a.connectionCount == 0 && pair.b.connectionCount == 0)
    }

    // MARK: Payloads of the handshake, which a base peer leaves empty

    @Test func payloadsThatAreNoOfferGetTheBaseProtocol() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator, payload: [1, 2, 3])
        try peer.establish(with: pair, payload: [4, 5])
        let connection = try #require(peer.connection(of: pair))
        #expect(!connection.isExtended)
        let answer = try #require(pair.sent.first)
        #expect(answer.bytes.count == 104)
    }

    // MARK: 9. Data can arrive before message 3.

    @Test func hazard9_dataThatOvertakesTheThirdMessageIsKept() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator)
        pair.deliver(.init(isFromA: false, bytes: peer.firstDatagram))
        pair.flush()
        let third = try peer.thirdDatagram(answering: pair.sent[0].bytes)
        for position in 0..<20 {
            let payload = pattern(position * 10..<(position + 1) * 10)
            pair.deliver(.init(isFromA: false, bytes: peer.data(UInt32(position), payload)))
        }
        pair.deliver(.init(isFromA: false, bytes: third))
        let connection = try #require(peer.connection(of: pair))
        let kept = InboundHandshake.maximumEarlyDatagrams
        #expect(pair.read(connection, of: pair.a) == pattern(0..<kept * 10))
        #expect(pair.a.statistics.drops(.earlyDataLimit) == UInt64(20 - kept))
    }
}

extension EndpointStatistics {
    func drops(_ reason: DropReason) -> UInt64 { dropsByReason[reason.index] }
}
