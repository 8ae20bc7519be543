import Testing

@testable import LRP2PCore

struct ConnectionTests {
    @Test func bytesTravelBothWays() throws {
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        #expect(ours.remoteStaticKey == pair.b.staticPublicKey)
        #expect(theirs.remoteStaticKey == pair.a.staticPublicKey)
        #expect(pair.write(pattern(0..<100_000), to: ours, of: pair.a) == 100_000)
        #expect(pair.write(pattern(5..<50_005), to: theirs, of: pair.b) == 50_000)
        let done = pair.run {
            theirs.receiveRing.count == 100_000 && ours.receiveRing.count == 50_000
                && ours.sendRing.count == 0 && theirs.sendRing.count == 0
        }
        #expect(done)
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<100_000))
        #expect(pair.read(ours, of: pair.a) == pattern(5..<50_005))
        #expect(ours.statistics.retransmissions == 0)
        #expect(ours.statistics.minimumRTT == .milliseconds(20))
    }

    @Test func halfOfAllDatagramsLostStillDeliversEverything() throws {
        let pair = Pair()
        let (ours, theirs) = try pair.connect()
        var state: UInt64 = 7
        pair.wire = { flight in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 63 == 0 ? [] : [flight]
        }
        _ = pair.write(pattern(0..<60_000), to: ours, of: pair.a)
        #expect(pair.run(within: .seconds(250)) { ours.sendRing.count == 0 })
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<60_000))
    }
}
