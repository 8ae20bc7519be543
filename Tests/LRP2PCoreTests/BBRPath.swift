@testable import LRP2PCore

/// BBR with datagrams of 1000 bytes; acknowledges a round trip at a time.
struct BBRPath {
    var bbr = BBR(maximumDatagramSize: 1000)
    var rtt = rttEstimator(.milliseconds(100))
    var now = Instant.seconds(1)
    var delivered: UInt64 = 0
    var lost: UInt64 = 0
    var number: UInt64 = 0
    private var roundStart: UInt64 = 0

    /// A round trip that delivers at `rate` (bytes per second) and ends with `inFlight` bytes.
    ///
    /// - Parameter isNewRound: whether the packet acknowledged was sent after the last one was.
    mutating func round(
        rate: Double, roundTrip: Interval = .milliseconds(100), inFlight: Int = 100_000,
        lost losses: Int = 0, isApplicationLimited: Bool = false,
        isNewRound: Bool = true
    ) {
        now = now + roundTrip
        let bytes = Int(rate * roundTrip.inSeconds)
        if isNewRound { roundStart = delivered }
        let prior = roundStart
        let before = lost
        delivered += UInt64(bytes)
        for _ in 0..<losses {
            lose(priorDelivered: prior, priorLost: before, inFlight: inFlight)
        }
        number += 10
        rtt.addSample(roundTrip)
        bbr.onAcknowledgement(
            AcknowledgementSample(
                now: now, acknowledgedBytes: bytes, acknowledgedSinceEvent: bytes,
                lostBytes: losses * 1000, priorBytesInFlight: inFlight + bytes,
                bytesInFlight: inFlight, isWindowLimited: true, largestAcknowledged: number,
                nextPacketNumber: number + 1, latestRTT: roundTrip,
                delivery: DeliverySample(
                    delivered: UInt64(bytes), interval: roundTrip,
                    isApplicationLimited: isApplicationLimited, priorDelivered: prior,
                    bytesInFlightWhenSent: inFlight, lostSince: lost - before),
                totalDelivered: delivered, totalLost: lost), rtt: rtt)
    }

    private mutating func lose(priorDelivered: UInt64, priorLost: UInt64, inFlight: Int) {
        lost += 1000
        bbr.onLoss(
            LossSample(
                now: now, size: 1000,
                stamp: DeliveryStamp(
                    delivered: priorDelivered, deliveredAt: now, firstSentAt: now,
                    bytesInFlight: inFlight, lost: priorLost),
                isApplicationLimited: false, bytesInFlight: inFlight,
                totalDelivered: delivered, totalLost: lost))
    }

    /// Through Startup and Drain, at 1 MB/s: the BDP is 100 kB.
    static func settled() -> BBRPath {
        var path = BBRPath()
        for rate in [1e5, 2e5, 4e5, 8e5, 1e6, 1e6, 1e6, 1e6] {
            path.round(rate: rate, inFlight: 150_000)
        }
        path.round(rate: 1e6, inFlight: 90_000)
        return path
    }

    mutating func run(until state: BBR.State, rate: Double = 1e6, limit: Int = 100) {
        for _ in 0..<limit where bbr.state != state {
            round(rate: rate, inFlight: 90_000)
        }
    }
}
