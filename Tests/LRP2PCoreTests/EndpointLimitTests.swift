import Testing

@testable import LRP2PCore

/// What strangers can make an endpoint keep.
struct EndpointLimitTests {
    private func firstMessage(_ number: Int) -> [UInt8] {
        let id = withUnsafeBytes(of: UInt64(number + 1).bigEndian) { Array($0) }
        return id + (0..<32).map { UInt8(truncatingIfNeeded: $0 + number + 1) }
    }

    private func send(_ bytes: [UInt8], to endpoint: Endpoint, from host: UInt32, at now: Instant) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes {
            endpoint.handleDatagram($0, from: SocketAddress(ipv4: host, port: 9), now: now)
        }
        withUnsafeTemporaryAllocation(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8
        ) { buffer in
            while endpoint.pollTransmit(into: buffer, now: now) != nil {}
        }
    }

    @Test func unfinishedHandshakesAreBoundedInAllAndPerHost() {
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        var now = Instant(nanoseconds: 0)
        for number in 0..<100 { send(firstMessage(number), to: endpoint, from: 1, at: now) }
        #expect(endpoint.statistics.handshakesInProgress == 64)
        #expect(endpoint.statistics.drops(.handshakeLimit) == 36)
        // The same host from another port is the same host; other hosts have room of their own.
        for number in 100..<2000 {
            send(firstMessage(number), to: endpoint, from: UInt32(2 + number / 50), at: now)
        }
        #expect(endpoint.statistics.handshakesInProgress == 1024)
        // All are forgotten after ten seconds.
        now = now + .milliseconds(9_999)
        endpoint.handleDeadline(now: now)
        #expect(endpoint.statistics.handshakesInProgress == 1024)
        let deadline = endpoint.nextDeadline(now: now)
        #expect(deadline == Instant(nanoseconds: 10_000_000_000))
        now = now + .milliseconds(1)
        endpoint.handleDeadline(now: now)
        #expect(endpoint.statistics.handshakesInProgress == 0)
        #expect(endpoint.nextDeadline(now: now) == nil)
        send(firstMessage(1), to: endpoint, from: 1, at: now)
        #expect(endpoint.statistics.handshakesInProgress == 1)
    }

    @Test func answersThatCannotLeaveAreBounded() {
        // The socket takes nothing, while hosts without number begin handshakes.
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        let now = Instant(nanoseconds: 0)
        for number in 0..<400 {
            var bytes = firstMessage(number)
            bytes.withUnsafeMutableBytes {
                endpoint.handleDatagram(
                    $0, from: SocketAddress(ipv4: UInt32(number), port: 9), now: now)
            }
        }
        #expect(endpoint.statistics.drops(.handshakeLimit) == 400 - UInt64(Endpoint.maximumReplies))
        var answers = 0
        withUnsafeTemporaryAllocation(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8
        ) { buffer in
            while endpoint.pollTransmit(into: buffer, now: now) != nil { answers += 1 }
        }
        #expect(answers == Endpoint.maximumReplies)
        // An initiator repeats message 1, and is answered then.
        send(firstMessage(399), to: endpoint, from: 399, at: now)
        #expect(endpoint.statistics.packetsSent == UInt64(answers) + 1)
    }

    @Test func acknowledgementsThatCannotLeaveAreBounded() throws {
        let pair = Pair()
        let peer = ReferenceLikePeer(role: .initiator)
        try peer.establish(with: pair)
        let connection = try #require(peer.connection(of: pair))
        let limit = Connection.maximumPendingAcknowledgements
        for position in 0..<limit + 100 {
            pair.deliver(.init(isFromA: false, bytes: peer.data(UInt32(position), [1])))
        }
        #expect(connection.pendingAcknowledgements.count == limit)
        #expect(connection.receiveRing.count == limit + 100)
        // The oldest went; the header of any other stands for them.
        #expect(connection.pendingAcknowledgements[connection.pendingAcknowledgements.start] == 100)
    }

    @Test func closedConnectionsAreNotKept() throws {
        struct Weak { weak var connection: Connection? }
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        let now = Instant(nanoseconds: 0)
        var seen: [Weak] = []
        for _ in 0..<500 {
            let connection = try endpoint.connect(to: Pair.addressB, now: now)
            seen.append(Weak(connection: connection))
            endpoint.close(connection, now: now)
            withUnsafeTemporaryAllocation(
                byteCount: Endpoint.maximumDatagramSize, alignment: 8
            ) { buffer in
                while endpoint.pollTransmit(into: buffer, now: now) != nil {}
            }
            while endpoint.pollEvent() != nil {}
            _ = endpoint.nextDeadline(now: now)
        }
        #expect(seen.count { $0.connection != nil } <= 100)
    }

    @Test func candidatesForOneConnectionIDAreBounded() {
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        for number in 0..<20 {
            var bytes = firstMessage(7)
            bytes[30] = UInt8(number + 100)
            send(bytes, to: endpoint, from: UInt32(number), at: .init(nanoseconds: 0))
        }
        #expect(
            endpoint.statistics.handshakesInProgress == InboundHandshakes.maximumCandidates)
    }

    @Test func aStrayAnswerIsNotAnswered() throws {
        let pair = Pair()
        _ = try pair.connect()
        let answer = try #require(pair.sent.first { $0.bytes.count == 104 })
        var stray = answer
        stray.bytes[0] ^= 1
        let sentBefore = pair.sent.count
        pair.deliver(stray)
        pair.run(for: .seconds(1))
        #expect(pair.sent.dropFirst(sentBefore).allSatisfy { $0.bytes.count == 32 })
    }

    @Test func strayDataBeginsNoHandshake() throws {
        // Data for a connection that was closed looks like 32 bytes of key but for its nonce.
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        pair.run(for: .seconds(1))
        pair.b.close(theirs, now: pair.now)
        _ = pair.write(pattern(0..<5000), to: ours, of: pair.a)
        let sentBefore = pair.sent.count
        pair.run(for: .seconds(2))
        #expect(pair.b.statistics.handshakesInProgress == 0)
        #expect(pair.b.statistics.drops(.unknownConnection) > 4)
        #expect(pair.sent.dropFirst(sentBefore).allSatisfy { $0.isFromA })
    }

    @Test func connectionsAreBounded() throws {
        var configuration = EndpointConfiguration.base
        configuration.maximumConnections = 2
        let endpoint = Pair.makeEndpoint(configuration, seed: 3)
        let now = Instant(nanoseconds: 0)
        let first = try endpoint.connect(to: Pair.addressB, now: now)
        _ = try endpoint.connect(to: Pair.addressB, now: now)
        #expect(throws: EndpointConnectError.connectionLimit) {
            _ = try endpoint.connect(to: Pair.addressB, now: now)
        }
        send(firstMessage(1), to: endpoint, from: 1, at: now)
        #expect(endpoint.statistics.drops(.handshakeLimit) == 1)
        endpoint.close(first, now: now)
        // A handshake that has begun has its place.
        send(firstMessage(1), to: endpoint, from: 1, at: now)
        #expect(endpoint.statistics.handshakesInProgress == 1)
        #expect(throws: EndpointConnectError.connectionLimit) {
            _ = try endpoint.connect(to: Pair.addressB, now: now)
        }
    }

    @Test func aFinishedHandshakeIsNotKeptBehindAnUnfinishedOne() throws {
        let pair = Pair()
        pair.deliver(.init(isFromA: true, bytes: firstMessage(1)))
        weak var finished: InboundHandshake?
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        _ = pair.run(until: {
            finished = finished
                ?? pair.b.handshakes.candidates(for: ours.wireID).first
            return pair.accepted != nil
        })
        #expect(pair.accepted != nil)
        #expect(finished == nil)
        #expect(pair.b.statistics.handshakesInProgress == 1)
    }

    @Test func aConnectionThatIsClosedAtOnceLeavesNoHandshake() throws {
        let pair = Pair()
        let ours = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run(until: {
            if let accepted = pair.accepted { pair.b.close(accepted, now: pair.now) }
            return pair.accepted != nil
        }))
        let sentBefore = pair.sent.count
        pair.run(for: .seconds(9))
        #expect(pair.b.statistics.handshakesInProgress == 0)
        #expect(pair.sent.dropFirst(sentBefore).allSatisfy { $0.isFromA || $0.bytes.count == 32 })
        #expect(ours.closeReason == nil)
    }

    @Test func anAddressThatLeadsBackIsRecognised() throws {
        let endpoint = Pair.makeEndpoint(.init(), seed: 3)
        let now = Instant(nanoseconds: 0)
        let connection = try endpoint.connect(to: Pair.addressA, now: now)
        withUnsafeTemporaryAllocation(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8
        ) { buffer in
            guard let transmit = endpoint.pollTransmit(into: buffer, now: now) else { return }
            endpoint.handleDatagram(
                .init(rebasing: buffer[..<transmit.length]), from: Pair.addressA, now: now)
        }
        #expect(connection.closeReason == .connectedToSelf)
        #expect(throws: EndpointConnectError.unusableAddress) {
            _ = try endpoint.connect(to: SocketAddress(ipv4: 1, port: 0), now: now)
        }
    }

    @Test func rubbishIsCountedByReasonAndKeepsNothing() throws {
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        let id = Array(pair.sent[0].bytes.prefix(8))
        var state: UInt64 = 99
        for round in 0..<5000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var bytes = (0..<Int(state >> 33) % 200).map {
                UInt8(truncatingIfNeeded: (state >> UInt64($0 % 50)) &+ UInt64($0 * round))
            }
            if round % 2 == 0 { bytes = id + bytes }
            pair.deliver(.init(isFromA: true, bytes: bytes))
        }
        let statistics = pair.b.statistics
        let dropped = statistics.dropsByReason.reduce(0, +)
        #expect(dropped + UInt64(statistics.handshakesInProgress) >= 5000)
        #expect(statistics.handshakesInProgress <= 64)
        _ = pair.write(pattern(0..<10_000), to: ours, of: pair.a)
        #expect(pair.run { ours.sendRing.count == 0 })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<10_000))
    }

    @Test func timersOfAnyLengthAreTakenAsTheyAre() throws {
        var configuration = EndpointConfiguration.base
        configuration.idleTimeout = Interval(.seconds(Int64.max))
        configuration.handshakeTimeout = Interval(.seconds(Int64.max))
        configuration.keepAliveInterval = Interval(.seconds(Int64.max))
        let patient = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try patient.connect()
        patient.run(for: .seconds(100_000))
        #expect(ours.closeReason == nil && theirs.closeReason == nil)

        configuration = EndpointConfiguration.base
        configuration.keepAliveInterval = .zero
        let hasty = Pair(a: configuration)
        _ = try hasty.connect()
        let sentBefore = hasty.sent.count
        hasty.run(for: .seconds(1))
        #expect(hasty.sent.count - sentBefore <= 1010)
    }

    @Test func keepAliveHoldsAnIdleConnection() throws {
        var configuration = EndpointConfiguration.base
        configuration.idleTimeout = .seconds(30)
        configuration.keepAliveInterval = .seconds(10)
        let pair = Pair(a: configuration, b: configuration)
        let (ours, theirs) = try pair.connect()
        let sentBefore = pair.sent.count
        pair.run(for: .seconds(300))
        #expect(ours.closeReason == nil && theirs.closeReason == nil)
        #expect((58...64).contains(pair.sent.count - sentBefore))
        #expect(pair.sent.dropFirst(sentBefore).allSatisfy { $0.bytes.count == 32 })
        // When one side goes, the other hears no more of it.
        pair.a.close(ours, now: pair.now)
        #expect(pair.run { theirs.closeReason == .idleTimeout })
    }
}
