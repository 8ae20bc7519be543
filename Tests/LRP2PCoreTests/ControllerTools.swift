@testable import LRP2PCore

/// An estimator that has seen one round trip only.
func rttEstimator(_ sample: Interval) -> RTTEstimator {
    var rtt = RTTEstimator()
    rtt.addSample(sample)
    return rtt
}

extension Instant {
    static func milliseconds(_ n: Int64) -> Instant { Instant(nanoseconds: n * 1_000_000) }
    static func seconds(_ n: Int64) -> Instant { .milliseconds(n * 1000) }
}

extension AcknowledgementSample {
    /// Everything acknowledged counts, and the window was in full use, unless said otherwise.
    init(
        now: Instant, acknowledgedBytes: Int, bytesInFlight: Int = 1, isWindowLimited: Bool = true,
        largestAcknowledged: UInt64 = 0, nextPacketNumber: UInt64 = 1, latestRTT: Interval? = nil,
        delivery: DeliverySample? = nil
    ) {
        self.init(
            now: now, acknowledgedBytes: acknowledgedBytes,
            acknowledgedSinceEvent: acknowledgedBytes, lostBytes: 0,
            priorBytesInFlight: bytesInFlight + acknowledgedBytes, bytesInFlight: bytesInFlight,
            isWindowLimited: isWindowLimited, largestAcknowledged: largestAcknowledged,
            nextPacketNumber: nextPacketNumber, latestRTT: latestRTT, delivery: delivery,
            totalDelivered: UInt64(acknowledgedBytes), totalLost: 0)
    }
}
