import Testing

@testable import LRP2PCore

/// What is counted of handshakes that led to no connection.
struct HandshakeFailureTests {
    private static let extended = EndpointConfiguration()

    /// A datagram that begins a handshake as a base peer's does: an id and any 32 bytes.
    private static let stranger = (1...40).map { UInt8($0) }

    private func send(_ bytes: [UInt8], to endpoint: Endpoint, at now: Instant) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes {
            endpoint.handleDatagram($0, from: Pair.addressA, now: now)
        }
    }

    @Test(arguments: [false, true]) func oneThatSucceedsIsNone(isExtended: Bool) throws {
        let configuration = isExtended ? Self.extended : .base
        let pair = Pair(a: configuration, b: configuration)
        let (a, _) = try pair.connect()
        #expect(pair.write([1], to: a, of: pair.a) == 1)
        pair.run(for: .seconds(2))
        pair.a.close(a, now: pair.now)
        pair.run(for: .seconds(30))
        for endpoint in [pair.a, pair.b] {
            #expect(endpoint.statistics.outboundHandshakeFailures == [:])
            #expect(endpoint.statistics.inboundHandshakeFailures == [:])
        }
    }

    @Test func nobodyAnswers() throws {
        let pair = Pair(a: Self.extended, b: Self.extended)
        pair.wire = { _ in [] }
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { connection.isClosed })
        #expect(pair.a.statistics.outboundHandshakeFailures == [.timeout: 1])
    }

    @Test func theAnswerNeverReachesThePeer() throws {
        let pair = Pair(a: Self.extended, b: Self.extended)
        pair.wire = { $0.isFromA ? [$0] : [] }
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { connection.isClosed })
        pair.run(for: .seconds(10))
        #expect(pair.a.statistics.outboundHandshakeFailures == [.timeout: 1])
        #expect(pair.b.statistics.inboundHandshakeFailures == [.timeout: 1])
    }

    /// A peer of the base protocol offers nothing, but asks again when it hears nothing.
    @Test func aPeerOfTheBaseProtocolAsksAgain() throws {
        let pair = Pair()
        pair.wire = { $0.isFromA ? [$0] : [] }
        _ = try pair.a.connect(to: Pair.addressB, now: pair.now)
        pair.run(for: .seconds(25))
        #expect(pair.b.statistics.inboundHandshakeFailures == [.timeout: 1])
    }

    @Test func theLastMessageIsLost() throws {
        var configuration = Self.extended
        configuration.idleTimeout = .seconds(20)
        let pair = Pair(a: configuration, b: configuration)
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        pair.wire = { $0.isFromA && connection.isEstablished ? [] : [$0] }
        #expect(pair.run { connection.isClosed })
        #expect(connection.closeReason == .idleTimeout)
        #expect(pair.a.statistics.outboundHandshakeFailures == [.unconfirmed: 1])
        #expect(pair.b.statistics.inboundHandshakeFailures == [.timeout: 1])
    }

    @Test func thePeerDoesNotAdmitUs() throws {
        var closed = Self.extended
        closed.admits = { _, _ in false }
        let pair = Pair(a: Self.extended, b: closed)
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { connection.isEstablished })
        _ = pair.write([1], to: connection, of: pair.a)
        #expect(pair.run { connection.isClosed })
        #expect(connection.closeReason == .statelessReset)
        #expect(pair.a.statistics.outboundHandshakeFailures == [.unconfirmed: 1])
        #expect(pair.b.statistics.inboundHandshakeFailures == [.peerNotAllowed: 1])
    }

    @Test func theAddressLeadsBack() throws {
        let pair = Pair(a: Self.extended, b: Self.extended)
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        pair.wire = { [Pair.Flight(isFromA: !$0.isFromA, bytes: $0.bytes)] }
        #expect(pair.run { connection.isClosed })
        #expect(pair.a.statistics.outboundHandshakeFailures == [.connectedToSelf: 1])
    }

    /// Otherwise whoever scans ports would look like peers in trouble.
    @Test func oneDatagramIsNoPeer() {
        let endpoint = Pair.makeEndpoint(Self.extended, seed: 3)
        let start = Instant(nanoseconds: 0)
        send(Self.stranger, to: endpoint, at: start)
        #expect(endpoint.statistics.handshakesInProgress == 1)
        endpoint.handleDeadline(now: start + .seconds(10))
        #expect(endpoint.statistics.inboundHandshakeFailures == [.probe: 1])
    }

    @Test func eachAttemptAtALimitCounts() {
        var full = Self.extended
        full.maximumHandshakes = 0
        let endpoint = Pair.makeEndpoint(full, seed: 3)
        for second in 0..<3 as Range<Int64> {
            send(Self.stranger, to: endpoint, at: Instant(nanoseconds: second * 1_000_000_000))
        }
        #expect(endpoint.statistics.inboundHandshakeFailures == [.limit: 3])
        #expect(endpoint.statistics.drops(.handshakeLimit) == 3)
    }

    @Test func theCountsOfAllThreadsAreAdded() {
        var a = EndpointStatistics(), b = EndpointStatistics()
        a.inboundHandshakeFailures = [.timeout: 1, .probe: 2]
        b.inboundHandshakeFailures = [.timeout: 3]
        b.outboundHandshakeFailures = [.cancelled: 4]
        let sum = a + b
        #expect(sum.inboundHandshakeFailures == [.timeout: 4, .probe: 2])
        #expect(sum.outboundHandshakeFailures == [.cancelled: 4])
    }
}
