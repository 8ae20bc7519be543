import Sodium
import Testing

@testable import LRP2PCore

@Suite struct ShardTests {
    private func endpoint(_ shard: Shard) -> Endpoint {
        var configuration = EndpointConfiguration()
        configuration.shard = shard
        return Endpoint(
            configuration: configuration,
            staticPrivateKey: SecretBytes(count: 32) { Sodium.fillWithRandomBytes($0) },
            random: { Sodium.fillWithRandomBytes($0) })
    }

    @Test func everyEndpointChoosesItsOwnIDs() throws {
        var locals: Set<UInt64> = []
        for index in 0..<5 {
            let endpoint = endpoint(Shard(index: index, count: 5))
            for _ in 0..<20 {
                let connection = try endpoint.connect(
                    to: .loopback(port: 9), now: Instant(nanoseconds: 1))
                #expect(connection.wireID.rawValue & 0xffff_ffff % 5 == UInt64(index))
                locals.insert(connection.id)
            }
        }
        #expect(locals.count == 100, "no local id twice")
    }

    @Test func onlyTheLowHalfOfAnIDCounts() {
        let datagram: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 1, 42]
        datagram.withUnsafeBytes {
            #expect(Shard.index(of: $0, count: 64) == 1)
            #expect(Shard.index(of: $0, count: 3) == 0x8000_0001 % 3)
            #expect(Shard.index(of: $0, count: 1) == 0)
            #expect(Shard.index(of: UnsafeRawBufferPointer(rebasing: $0[..<7]), count: 3) == nil)
        }
    }

    @Test func theSumOfTwoStatisticsHasEverything() {
        var a = EndpointStatistics(), b = EndpointStatistics()
        a.packetsSent = 1
        b.packetsSent = 2
        a.packetsReceived = 3
        b.packetsReceived = 4
        a.sentBytes = 5
        b.sentBytes = 6
        a.receivedBytes = 7
        b.receivedBytes = 8
        a.handshakesInProgress = 9
        b.handshakesInProgress = 10
        a.dropsByReason[1] = 11
        b.dropsByReason[1] = 12
        b.dropsByReason[2] = 13
        a.retransmissionsByCause[0] = 14
        b.retransmissionsByCause[0] = 15
        a.rttSamples.observe(.milliseconds(1))
        b.rttSamples.observe(.seconds(100))
        b.handshakeDurations.observe(.milliseconds(2))
        let sum = a + b
        #expect(sum.packetsSent == 3 && sum.packetsReceived == 7)
        #expect(sum.sentBytes == 11 && sum.receivedBytes == 15 && sum.handshakesInProgress == 19)
        #expect(Array(sum.dropsByReason[0...2]) == [0, 23, 13])
        #expect(sum.retransmissionsByCause[0] == 29)
        #expect(sum.rttSamples.counts.reduce(0, +) == 2 && sum.rttSamples.counts.last == 1)
        #expect(abs(sum.rttSamples.sumInSeconds - 100.001) < 1e-9)
        #expect(sum.handshakeDurations.counts.reduce(0, +) == 1)
    }
}
