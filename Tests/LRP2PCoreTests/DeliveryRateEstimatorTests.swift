import Testing

@testable import LRP2PCore

struct DeliveryRateEstimatorTests {
    private struct Sent {
        var stamp: DeliveryStamp
        var at: Instant
        var isApplicationLimited: Bool
    }

    /// Packets of 1000 bytes.
    private struct Sender {
        var estimator = DeliveryRateEstimator()
        var packets: [Sent] = []
        var inFlight = 0

        mutating func send(_ count: Int, at now: Instant) {
            for _ in 0..<count {
                let stamp = estimator.didSend(bytesInFlightBefore: inFlight, size: 1000, now: now)
                packets.append(
                    Sent(
                        stamp: stamp, at: now,
                        isApplicationLimited: estimator.isApplicationLimited))
                inFlight += 1000
            }
        }

        mutating func acknowledge(
            _ numbers: some Sequence<Int>, at now: Instant
        ) -> DeliverySample? {
            for number in numbers {
                let packet = packets[number]
                estimator.didAcknowledge(
                    packet.stamp, sentAt: packet.at, size: 1000,
                    isApplicationLimited: packet.isApplicationLimited, now: now)
                inFlight -= 1000
            }
            return estimator.takeSample(minimumRTT: .milliseconds(100), now: now)
        }
    }

    @Test func aStampIsSmall() {
        // One is kept for each packet in flight.
        #expect(MemoryLayout<DeliveryStamp>.size == 40)
    }

    @Test func aFlightIsDeliveredInARoundTrip() {
        var sender = Sender()
        sender.send(10, at: .seconds(1))
        let sample = sender.acknowledge(0..<10, at: .milliseconds(1100))
        #expect(sample?.delivered == 10_000)
        #expect(sample?.interval == .milliseconds(100))
        #expect(sample?.bytesPerSecond == 100_000)
        #expect(sample?.priorDelivered == 0)
        #expect(sample?.bytesInFlightWhenSent == 10_000)
        #expect(sample?.isApplicationLimited == false)
        #expect(sender.estimator.delivered == 10_000)
    }

    @Test func noSampleWithoutAnAcknowledgement() {
        var sender = Sender()
        sender.send(1, at: .seconds(1))
        let none = sender.acknowledge([], at: .milliseconds(1100))
        #expect(none == nil)
        let one = sender.acknowledge([0], at: .milliseconds(1100))
        #expect(one != nil)
        let again = sender.acknowledge([], at: .milliseconds(1100))
        #expect(again == nil)
    }

    @Test func aBurstOfAcknowledgementsDoesNotRaiseTheRate() {
        // Sent over 100 ms, a packet each 10 ms; then everything is acknowledged at once.
        var sender = Sender()
        for i in 0..<10 { sender.send(1, at: .milliseconds(1000 + Int64(i) * 10)) }
        let first = sender.acknowledge([0], at: .milliseconds(1100))
        #expect(first?.bytesPerSecond == 10_000)
        for i in 0..<10 { sender.send(1, at: .milliseconds(1101 + Int64(i) * 10)) }
        let rest = sender.acknowledge(1..<20, at: .milliseconds(1300))
        // 19 packets were acknowledged over 200 ms, not over the 100 ms of a round trip.
        #expect(rest?.delivered == 19_000)
        #expect(rest?.interval == .milliseconds(200))
    }

    @Test func packetsSentSlowlyAreNotABurst() {
        // The interval is that of sending if that took longer.
        var sender = Sender()
        sender.send(1, at: .milliseconds(1000))
        sender.send(1, at: .milliseconds(1090))
        _ = sender.acknowledge([0], at: .milliseconds(1100))
        sender.send(1, at: .milliseconds(1190))
        let sample = sender.acknowledge([1, 2], at: .milliseconds(1290))
        #expect(sample?.delivered == 2000)
        #expect(sample?.interval == .milliseconds(190))
    }

    @Test func timeWithoutPacketsDoesNotCount() {
        var sender = Sender()
        sender.send(10, at: .seconds(1))
        _ = sender.acknowledge(0..<10, at: .milliseconds(1100))
        sender.send(10, at: .seconds(61))
        let sample = sender.acknowledge(10..<20, at: .milliseconds(61_100))
        #expect(sample?.bytesPerSecond == 100_000)
        #expect(sample?.priorDelivered == 10_000)
    }

    @Test func tooQuickToBeARoundTripIsNoSample() {
        var sender = Sender()
        sender.send(10, at: .seconds(1))
        let sample = sender.acknowledge(0..<10, at: .milliseconds(1099))
        #expect(sample == nil)
        #expect(sender.estimator.delivered == 10_000)
    }

    @Test func samplesAreLimitedUntilTheFlightIsDelivered() {
        var sender = Sender()
        sender.send(10, at: .seconds(1))
        sender.estimator.markApplicationLimited(bytesInFlight: sender.inFlight)
        #expect(sender.estimator.isApplicationLimited)
        let unlimited = sender.acknowledge(0..<10, at: .milliseconds(1100))
        // These were sent before.
        #expect(unlimited?.isApplicationLimited == false)
        sender.send(10, at: .milliseconds(1100))
        let limited = sender.acknowledge(10..<20, at: .milliseconds(1200))
        #expect(limited?.isApplicationLimited == true)
        #expect(!sender.estimator.isApplicationLimited)
        sender.send(10, at: .milliseconds(1200))
        let free = sender.acknowledge(20..<30, at: .milliseconds(1300))
        #expect(free?.isApplicationLimited == false)
    }

    @Test func lossesSinceTheSendingAreCounted() {
        var sender = Sender()
        sender.send(10, at: .seconds(1))
        sender.estimator.didLose(size: 1000)
        sender.send(1, at: .seconds(1))
        sender.estimator.didLose(size: 1000)
        sender.estimator.didLose(size: 1000)
        let sample = sender.acknowledge([10], at: .milliseconds(1100))
        #expect(sample?.lostSince == 2000)
        #expect(sender.estimator.lost == 3000)
    }

    @Test func theOrderOfAcknowledgementDoesNotMatter() {
        var forward = Sender()
        forward.send(5, at: .milliseconds(1000))
        forward.send(5, at: .milliseconds(1050))
        var backward = forward
        let a = forward.acknowledge(0..<10, at: .milliseconds(1150))
        let b = backward.acknowledge((0..<10).reversed(), at: .milliseconds(1150))
        #expect(a?.bytesPerSecond == b?.bytesPerSecond)
        #expect(a?.bytesInFlightWhenSent == 10_000)
        #expect(b?.bytesInFlightWhenSent == 10_000)
    }
}
