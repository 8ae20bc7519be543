import LRP2P
import LRP2PCore
import Testing

@testable import lrp2p_bench

@Suite struct PipeTests {
    private let start = Instant(nanoseconds: 1000)

    /// 1000 bytes at 8 Mbit/s take a millisecond.
    @Test func datagramsWaitForTheBottleneckAndTheDistance() {
        var conditions = PipeConditions(megabits: 8, roundTrip: .milliseconds(20))
        conditions.queueBytes = 10_000
        var pipe = Pipe(conditions, seed: 1, name: "a")
        let datagram = [UInt8](repeating: 0, count: 1000)
        for _ in 0..<2 { datagram.withUnsafeBytes { pipe.send($0, now: start) } }
        #expect(pipe.nextArrival == start + .milliseconds(11))
        let first = pipe.receive(now: start + .milliseconds(11))?.count
        #expect(first == 1000)
        #expect(pipe.nextArrival == start + .milliseconds(12))
    }

    @Test func whatTheQueueCannotHoldIsLost() {
        var conditions = PipeConditions(megabits: 8, roundTrip: .milliseconds(20))
        conditions.queueBytes = 4000
        var pipe = Pipe(conditions, seed: 1, name: "a")
        let datagram = [UInt8](repeating: 0, count: 1000)
        for _ in 0..<20 { datagram.withUnsafeBytes { pipe.send($0, now: start) } }
        // One on the wire, and four behind it.
        #expect(pipe.inFlight == 5)
        #expect(pipe.sent == 20)
    }

    @Test func lossComesFromTheSeed() {
        var conditions = PipeConditions(megabits: 1000, roundTrip: .zero)
        conditions.queueBytes = .max
        conditions.loss = 0.1
        func survivors(seed: UInt64) -> Int {
            var pipe = Pipe(conditions, seed: seed, name: "a")
            for _ in 0..<10_000 { [UInt8(1)].withUnsafeBytes { pipe.send($0, now: start) } }
            return pipe.inFlight
        }
        #expect(survivors(seed: 1) == survivors(seed: 1))
        #expect(survivors(seed: 1) != survivors(seed: 2))
        #expect((8_800...9_200).contains(survivors(seed: 3)))
    }

    @Test func theProductOfBandwidthAndDelay() {
        let conditions = PipeConditions(megabits: 100, roundTrip: .milliseconds(50))
        #expect(conditions.bandwidthDelayProduct == 625_000)
        #expect(conditions.queueBytes == 625_000)
        #expect(conditions.roundTrip == .milliseconds(50))
    }
}

@Suite struct PipeTransferTests {
    private func transfer(
        _ conditions: PipeConditions, seed: UInt64 = 1
    ) -> PipeTransfer {
        var configuration = EndpointConfiguration()
        configuration.maximumDatagram = WireFormat.initialDatagram
        return PipeTransfer(
            conditions, configuration: configuration, seed: seed, granularity: .microseconds(100))
    }

    @Test func oneFlowFillsALinkWithoutLoss() throws {
        let conditions = PipeConditions(megabits: 10, roundTrip: .milliseconds(20))
        let transfer = transfer(conditions)
        try transfer.startFlow()
        let start = PipeMeasurement.finishStart(of: transfer, round: .milliseconds(100))
        #expect(start >= .milliseconds(500) && start < .seconds(10))
        let result = PipeMeasurement.measure(transfer, parts: 10, of: .milliseconds(100))
        let payload = Double(DataDatagram.plaintextBytes(in: 1400)) / 1400
        #expect(result.bytesPerSecond > 0.9 * payload * 1_250_000)
        #expect(result.bytesPerSecond < 1.05 * payload * 1_250_000)
        #expect(result.bytesByFlow.count == 1)
        #expect(result.packetsInFlight > 0)
    }

    /// Without their payload, packets go the same way at the same times.
    @Test func elidedPayloadTakesItsTimeAllTheSame() throws {
        var conditions = PipeConditions(megabits: 10, roundTrip: .milliseconds(20))
        conditions.loss = 0.01
        var configuration = EndpointConfiguration()
        configuration.maximumDatagram = WireFormat.initialDatagram
        configuration.initialBufferBytes = 1 << 20
        configuration.sendBufferBytes = 1 << 20
        configuration.receiveBufferBytes = 1 << 20
        func run(elidesPayload: Bool) throws -> (bytes: [UInt64], packets: UInt64) {
            configuration.elidesPayload = elidesPayload
            let transfer = PipeTransfer(
                conditions, configuration: configuration, seed: 5, granularity: .zero)
            try transfer.startFlow()
            transfer.run(for: .seconds(2))
            return (transfer.receivedBytes, transfer.packetsSent)
        }
        let carried = try run(elidesPayload: false), elided = try run(elidesPayload: true)
        #expect(carried.bytes == elided.bytes && carried.packets == elided.packets)
        #expect(elided.bytes.count == 1 && elided.bytes[0] > 500_000)
    }

    @Test func equalSeedsGiveEqualTransfers() throws {
        var conditions = PipeConditions(megabits: 10, roundTrip: .milliseconds(20))
        conditions.loss = 0.02
        func bytes(seed: UInt64) throws -> [UInt64] {
            let transfer = transfer(conditions, seed: seed)
            try transfer.startFlow()
            transfer.run(for: .milliseconds(500))
            try transfer.startFlow()
            // A lost first message is repeated after a second.
            transfer.run(for: .seconds(3))
            return transfer.receivedBytes
        }
        let one = try bytes(seed: 1)
        #expect(one.count == 2 && one.allSatisfy { $0 > 0 })
        #expect(try bytes(seed: 1) == one)
        #expect(try bytes(seed: 2) != one)
    }
}
