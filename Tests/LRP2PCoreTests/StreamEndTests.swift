import Testing

@testable import LRP2PCore

struct StreamEndTests {
    /// Both streams end, one after the other, and each end is known to be known.
    @Test(arguments: [0, 1, 10_000, 70_000, 131_072, 300_000])
    func oneStreamEndsAfterTheOther(count: Int) throws {
        let pair = Pair(a: EndpointConfiguration(), b: EndpointConfiguration())
        let (ours, theirs) = try pair.connect()
        for (from, to, sender, receiver) in [
            (ours, theirs, pair.a, pair.b), (theirs, ours, pair.b, pair.a),
        ] {
            var written = 0
            var read: [UInt8] = []
            let isDone = pair.run {
                if written < count {
                    written += pair.write(pattern(written..<count), to: from, of: sender)
                }
                if written == count { sender.finishWriting(from, now: pair.now) }
                read += pair.read(to, of: receiver)
                return to.isRemoteStreamComplete && from.isSendStreamComplete
            }
            #expect(isDone)
            #expect(read == pattern(0..<count))
        }
        #expect(pair.run { ours.isClosed && theirs.isClosed })
        #expect(ours.closeReason == .finished && theirs.closeReason == .finished)
    }

    /// Whoever closes at once when both streams have ended, has not cut anything off.
    @Test func aResetAfterBothEndsIsNone() throws {
        let pair = Pair(a: EndpointConfiguration(), b: EndpointConfiguration())
        let (ours, theirs) = try pair.connect()
        pair.a.finishWriting(ours, now: pair.now)
        pair.b.finishWriting(theirs, now: pair.now)
        #expect(pair.run { ours.isComplete && theirs.isComplete })
        pair.a.close(ours, now: pair.now)
        #expect(pair.run { theirs.isClosed })
        #expect(theirs.closeReason == .finished)
    }

    @Test func theBaseProtocolHasNoWordForAnEnd() throws {
        let pair = Pair(a: .base, b: .base)
        let (ours, theirs) = try pair.connect()
        _ = pair.write([1], to: ours, of: pair.a)
        pair.run(for: .seconds(5))
        let before = pair.sent.count
        pair.a.finishWriting(ours, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(pair.sent.count == before)
        #expect(!ours.isSendStreamComplete && !theirs.isRemoteStreamComplete)
    }

    @Test func aConnectionMayHaveAnAlgorithmOfItsOwn() throws {
        let endpoint = Pair(a: EndpointConfiguration(), b: EndpointConfiguration()).a
        let now = Instant(nanoseconds: 0), address = SocketAddress(ipv4: 1, port: 1)
        for algorithm in CongestionControlAlgorithm.allCases {
            let connection = try endpoint.connect(
                to: address, congestionControl: algorithm, now: now)
            #expect(connection.congestionControl == algorithm)
        }
        #expect(try endpoint.connect(to: address, now: now).congestionControl == .cubic)
    }
}
