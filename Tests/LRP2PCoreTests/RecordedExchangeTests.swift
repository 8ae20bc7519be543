import Noise
import Sodium
import TestSupport
import Testing

@testable import LRP2PCore

/// Whole endpoints against exchanges between two reference peers.
struct RecordedExchangeTests {
    /// An endpoint that finds the recorded values where it asks for random ones.
    ///
    /// - Parameter configuration: a responder may have more to offer than the recorded initiator.
    private func endpoint(
        _ staticKey: Hex, random values: [Hex],
        _ configuration: EndpointConfiguration = EndpointConfiguration()
    ) -> Endpoint {
        var rest = values.map(\.bytes)
        return Endpoint(
            configuration: configuration, staticPrivateKey: SecretBytes(copying: staticKey.bytes),
            random: { $0.copyBytes(from: rest.removeFirst()) })
    }

    private func transmits(_ endpoint: Endpoint, _ now: Instant) -> [[UInt8]] {
        var result: [[UInt8]] = []
        withUnsafeTemporaryAllocation(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8
        ) { buffer in
            while let transmit = endpoint.pollTransmit(into: buffer, now: now) {
                result.append(Array(buffer.prefix(transmit.length)))
            }
        }
        return result
    }

    private func deliver(_ bytes: [UInt8], to endpoint: Endpoint, _ now: Instant) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes {
            endpoint.handleDatagram($0, from: Pair.addressB, now: now)
        }
    }

    @Test(arguments: RecordedExchange.names)
    func ourInitiatorTakesTheRecordedOnesPlace(name: String) throws {
        let recorded = try RecordedExchange.named(name)
        let connectionID = Hex("1112131415161718")
        let ours = endpoint(
            recorded.initiatorStaticPrivate,
            random: [connectionID, recorded.initiatorEphemeralPrivate], .base)
        var now = Instant(nanoseconds: 0)
        let connection = try ours.connect(to: Pair.addressB, now: now)
        #expect(transmits(ours, now) == [recorded.datagrams[0].datagram.bytes])
        deliver(recorded.datagrams[1].datagram.bytes, to: ours, now)
        #expect(transmits(ours, now) == [recorded.datagrams[2].datagram.bytes])
        guard case .connected(let connected) = ours.pollEvent() else {
            Issue.record("not connected")
            return
        }
        #expect(connected === connection)

        // The hold before the first data passes; then segment 0 is the recorded one.
        now = now + .seconds(1)
        ours.handleDeadline(now: now)
        _ = Array("Hello World".utf8).withUnsafeBytes { connection.sendRing.write($0) }
        ours.didWrite(to: connection, now: now)
        let sent = transmits(ours, now)
        #expect(sent.last == recorded.datagrams[3].datagram.bytes)

        // The recorded responder's acknowledgement and greeting are understood.
        deliver(recorded.datagrams[4].datagram.bytes, to: ours, now)
        #expect(connection.sendRing.count == 0)
        deliver(recorded.datagrams[5].datagram.bytes, to: ours, now)
        var greeting = [UInt8](repeating: 0, count: connection.receiveRing.count)
        _ = greeting.withUnsafeMutableBytes { connection.receiveRing.copy(from: 0, into: $0) }
        #expect(greeting == Array("Hello from Peer 2".utf8))
    }

    @Test(arguments: RecordedExchange.names)
    func ourResponderTakesTheRecordedOnesPlace(name: String) throws {
        let recorded = try RecordedExchange.named(name)
        let ours = endpoint(
            recorded.responderStaticPrivate, random: [recorded.responderEphemeralPrivate])
        let now = Instant(nanoseconds: 0)
        deliver(recorded.datagrams[0].datagram.bytes, to: ours, now)
        #expect(transmits(ours, now) == [recorded.datagrams[1].datagram.bytes])
        var expectedAcknowledgements: [UInt32] = []
        for datagram in recorded.datagrams.dropFirst(2)
        where datagram.isFromInitiator && !datagram.droppedInTransit {
            deliver(datagram.datagram.bytes, to: ours, now)
            if datagram.payloadLength != nil {
                expectedAcknowledgements.append(try #require(datagram.sequenceNumber))
            }
        }
        guard case .accepted(let connection) = ours.pollEvent() else {
            Issue.record("not accepted")
            return
        }
        var received = [UInt8](repeating: 0, count: connection.receiveRing.count)
        _ = received.withUnsafeMutableBytes { connection.receiveRing.copy(from: 0, into: $0) }
        let large = (0..<9000).map { UInt8(truncatingIfNeeded: 7 * $0) }
        #expect(received == Array("Hello World".utf8) + large)
        // One acknowledgement for each data segment, in the order they came.
        let key = CipherState(keyBytes: recorded.responderToInitiatorKey.bytes)
        var acknowledged: [UInt32] = []
        for datagram in transmits(ours, now) {
            var body = Array(datagram.dropFirst(16))
            let nonce = datagram[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let length = body.withUnsafeMutableBytes { key.decrypt($0, nonce: nonce) }
            body.prefix(length ?? 0).withUnsafeBytes { plaintext in
                if case .acknowledgement(let value) = Segment.parse(plaintext) {
                    acknowledged.append(value.acknowledged)
                    #expect(!value.hasFourByteWindow)
                }
            }
        }
        #expect(acknowledged == expectedAcknowledgements)
    }

    @Test(arguments: RecordedExchange.names)
    func everyRecordedSegmentIsParsed(name: String) throws {
        for datagram in try RecordedExchange.named(name).datagrams {
            guard let segment = datagram.segment else { continue }
            segment.bytes.withUnsafeBytes { bytes in
                switch Segment.parse(bytes) {
                case .data(let number, let payload):
                    #expect(number == datagram.sequenceNumber)
                    #expect(payload.count == datagram.payloadLength)
                case .acknowledgement(let value):
                    #expect(value.lastInOrder == datagram.sequenceNumber)
                    #expect(value.acknowledged == datagram.ackedSequenceNumber)
                    #expect(Int(value.window) == datagram.window)
                    #expect(value.hasFourByteWindow)
                case .keepAlive, nil:
                    Issue.record("not a segment: \(bytes)")
                }
            }
        }
    }
}
