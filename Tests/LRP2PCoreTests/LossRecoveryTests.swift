import Testing

@testable import LRP2PCore

struct LossRecoveryTests {
    /// The sending half of a connection of the base protocol, with segments of ten bytes in
    /// datagrams of 1400.
    private final class Sender {
        var recovery = LossRecovery()
        var segments = SegmentTable(initialSequenceNumber: 0)
        var now = Instant(nanoseconds: 1_000_000_000)
        private(set) var causes: [RetransmissionCause] = []

        func send(_ count: Int) {
            for _ in 0..<count {
                let position = segments.nextNew
                segments.didSendNew(
                    number: recovery.nextNumber, offset: position * 10, length: 10, now: now)
                recovery.didSend(.data, offset: position, length: 10, size: 1400, now: now)
            }
        }

        /// As a connection does: until the window is full.
        func sendAll() {
            while !recovery.isWindowFull { send(1) }
            recovery.didExhaustSending(hasMore: true, now: now)
        }

        /// Returns how many segments that was news of.
        func acknowledge(_ position: UInt64, allBefore: UInt64 = 0) -> Int {
            let before = segments.unacknowledged
            _ = segments.acknowledge(
                position, allBefore: allBefore, recovery: &recovery, now: now)
            recovery.takeLost { segments.didLose($0) }
            return before - segments.unacknowledged
        }

        func handleTimeout() {
            recovery.handleTimeout(now: now, isPeerWindowClosed: false)
            recovery.takeLost { segments.didLose($0) }
        }

        func retransmitted() -> [UInt64] {
            var result: [UInt64] = []
            while recovery.hasRoom, let position = segments.nextRetransmission() {
                result.append(position)
                causes.append(segments.segment(at: position).cause)
                segments.didRetransmit(position, number: recovery.nextNumber, now: now)
                recovery.didSend(
                    [.data, .retransmission], offset: position, length: 10, size: 1400, now: now)
            }
            return result
        }

        func wait(_ interval: Interval) { now = now + interval }

        /// In datagrams.
        var window: Int { recovery.controller.congestionWindow / 1400 }
    }

    /// Datagrams are received in batches, and nothing is sent in between.
    @Test(arguments: [1, 2, 3, 8, 64])
    func batchesOfAcknowledgementsDoNotHoldTheWindowBack(batch: Int) {
        let sender = Sender()
        var windows: [Int] = []
        sender.sendAll()
        for _ in 0..<5 {
            sender.wait(.milliseconds(50))
            let flight = sender.segments.firstUnacknowledged..<sender.segments.nextNew
            var inBatch = 0
            for position in flight {
                _ = sender.acknowledge(position)
                inBatch += 1
                if inBatch % batch == 0 { sender.sendAll() }
            }
            sender.sendAll()
            windows.append(sender.window)
        }
        #expect(windows == [20, 40, 80, 160, 320])
    }

    @Test func aSenderWithoutDataDoesNotGrowItsWindow() {
        let sender = Sender()
        for _ in 0..<100 {
            sender.send(2)
            sender.recovery.didExhaustSending(hasMore: false, now: sender.now)
            sender.wait(.milliseconds(50))
            for position in sender.segments.firstUnacknowledged..<sender.segments.nextNew {
                _ = sender.acknowledge(position)
            }
        }
        #expect(sender.window == 10)
    }

    @Test func aBlockedSocketIsNotTakenForTheNetwork() throws {
        let sender = Sender()
        sender.send(10)
        for _ in 0..<20 {
            sender.now = try #require(sender.recovery.deadline(isPeerWindowClosed: false))
            sender.handleTimeout()
        }
        #expect(sender.window == 10)
        #expect(sender.retransmitted().count == 2)
    }

    @Test func packetThresholdIsThree() {
        let sender = Sender()
        sender.send(5)
        sender.wait(.milliseconds(50))
        #expect(sender.acknowledge(1) == 1)
        #expect(sender.acknowledge(2) == 1)
        #expect(sender.retransmitted() == [])
        #expect(sender.acknowledge(3) == 1)
        #expect(sender.retransmitted() == [0])
        #expect(sender.causes == [.packetThreshold])
    }

    @Test func timeThresholdIsNineEighthsOfTheRoundTrip() throws {
        let sender = Sender()
        sender.send(2)
        sender.wait(.milliseconds(80))
        #expect(sender.acknowledge(1) == 1)
        let deadline = try #require(sender.recovery.deadline(isPeerWindowClosed: false))
        #expect(deadline - sender.now == .milliseconds(10))
        sender.wait(.milliseconds(10))
        sender.handleTimeout()
        #expect(sender.retransmitted() == [0])
        #expect(sender.causes == [.timeThreshold])
    }

    @Test func probeTimeoutBacksOffExponentiallyUpToItsLimit() throws {
        let sender = Sender()
        sender.send(1)
        var waits: [Int64] = []
        for _ in 0..<8 {
            let deadline = try #require(sender.recovery.deadline(isPeerWindowClosed: false))
            waits.append((deadline - sender.now).nanoseconds)
            sender.now = deadline
            sender.handleTimeout()
            #expect(sender.retransmitted() == [0])
        }
        // 333 ms + 4 · 166.5 ms + 10 ms before the first sample.
        #expect(waits[0] == 1_009_000_000)
        #expect(waits[1] == 2 * waits[0] && waits[2] == 4 * waits[0] && waits[3] == 8 * waits[0])
        #expect(waits[4] == 10_000_000_000 && waits[7] == 10_000_000_000)
    }

    @Test func aRetransmittedSegmentGivesNoSampleAndKeepsTheBackoff() throws {
        let sender = Sender()
        sender.send(1)
        sender.wait(.milliseconds(100))
        #expect(sender.acknowledge(0) == 1)
        #expect(sender.recovery.rtt.smoothed == .milliseconds(100))
        sender.send(1)
        let timeout = sender.recovery.probeTimeout(isPeerWindowClosed: false)
        sender.now = try #require(sender.recovery.deadline(isPeerWindowClosed: false))
        sender.handleTimeout()
        #expect(sender.retransmitted() == [1])
        sender.wait(.milliseconds(300))
        let before = sender.recovery.rtt.smoothed
        #expect(sender.acknowledge(1) == 1)
        #expect(sender.recovery.rtt.smoothed == before)
        #expect(sender.recovery.probeTimeout(isPeerWindowClosed: false) == timeout * 2)
        sender.send(1)
        sender.wait(.milliseconds(90))
        #expect(sender.acknowledge(2) == 1)
        #expect(sender.recovery.probeTimeout(isPeerWindowClosed: false) < timeout * 2)
        #expect(sender.recovery.rtt.smoothed < before)
    }

    @Test func samplesAreTakenForTheWholeLife() {
        let sender = Sender()
        for round in 1...100 {
            sender.send(1)
            sender.wait(.milliseconds(round < 50 ? 20 : 200))
            _ = sender.acknowledge(sender.segments.nextNew - 1)
        }
        #expect(sender.recovery.rtt.smoothed > .milliseconds(195))
        #expect(sender.recovery.rtt.minimum == .milliseconds(20))
    }

    @Test func theHeaderOfAnAcknowledgementStandsForLostOnes() {
        let sender = Sender()
        sender.send(10)
        sender.wait(.milliseconds(10))
        #expect(sender.acknowledge(9, allBefore: 9) == 10)
        #expect(sender.segments.unacknowledged == 0)
        #expect(sender.segments.span == 0)
        #expect(sender.recovery.deadline(isPeerWindowClosed: false) == nil)
    }

    @Test func oneCongestionEventPerRoundTrip() {
        let sender = Sender()
        sender.send(10)
        sender.wait(.milliseconds(50))
        let before = sender.window
        for position in [3, 5, 7, 9] as [UInt64] { _ = sender.acknowledge(position) }
        #expect(sender.retransmitted().count >= 3)
        #expect(sender.window == Int(Double(before) * 0.7))
    }

    @Test func reorderingRaisesTheThresholdAndUndoesTheReduction() {
        let sender = Sender()
        sender.send(1)
        sender.wait(.milliseconds(50))
        _ = sender.acknowledge(0)
        sender.send(10)
        sender.wait(.milliseconds(50))
        let before = sender.window
        for position in 2...6 as ClosedRange<UInt64> { _ = sender.acknowledge(position) }
        #expect(sender.window < before)
        #expect(sender.retransmitted() == [1])
        // The original was only late: its acknowledgement comes too soon for the second sending.
        sender.wait(.milliseconds(5))
        #expect(sender.acknowledge(1) == 1)
        #expect(sender.recovery.spuriousRetransmissions == 1)
        #expect(sender.window >= before)
        // The same reordering does not mislead it again.
        for position in 7...10 as ClosedRange<UInt64> { _ = sender.acknowledge(position) }
        sender.send(6)
        sender.wait(.milliseconds(50))
        for position in 12...15 as ClosedRange<UInt64> { _ = sender.acknowledge(position) }
        #expect(sender.retransmitted() == [])
    }

    @Test func aSecondAnswerToARetransmittedSegmentDisprovesItsLoss() {
        let sender = Sender()
        sender.send(1)
        sender.wait(.milliseconds(50))
        _ = sender.acknowledge(0)
        sender.send(10)
        sender.wait(.milliseconds(50))
        let before = sender.window
        for position in 2...10 as ClosedRange<UInt64> { _ = sender.acknowledge(position) }
        #expect(sender.retransmitted() == [1])
        // So late that it could be for either sending.
        sender.wait(.milliseconds(55))
        #expect(sender.acknowledge(1) == 1)
        #expect(sender.window < before)
        #expect(sender.recovery.spuriousRetransmissions == 0)
        #expect(sender.acknowledge(1) == 0)
        #expect(sender.recovery.spuriousRetransmissions == 1)
        #expect(sender.window >= before)
        #expect(sender.acknowledge(1) == 0)
        #expect(sender.recovery.spuriousRetransmissions == 1)
    }

    @Test func oneTrueLossAmongFalseOnesKeepsTheReduction() {
        let sender = Sender()
        sender.send(1)
        sender.wait(.milliseconds(50))
        _ = sender.acknowledge(0)
        sender.send(10)
        sender.wait(.milliseconds(50))
        for position in 3...10 as ClosedRange<UInt64> { _ = sender.acknowledge(position) }
        let reduced = sender.window
        #expect(sender.retransmitted() == [1, 2])
        sender.wait(.milliseconds(5))
        #expect(sender.acknowledge(1) == 1)
        sender.wait(.milliseconds(50))
        #expect(sender.acknowledge(2) == 1)
        #expect(sender.recovery.spuriousRetransmissions == 1)
        #expect(sender.window <= reduced + 1)
    }

    @Test func threeProbeTimeoutsAreMeantForPersistentCongestion() throws {
        let sender = Sender()
        sender.send(10)
        for _ in 0..<3 {
            sender.now = try #require(sender.recovery.deadline(isPeerWindowClosed: false))
            sender.handleTimeout()
            #expect(sender.retransmitted().count == 2)
        }
        #expect(sender.window == 2)
    }
}
