import LRP2PCore

/// What came of a ``BulkMeasurement``, from the end of its warm-up on.
public struct BulkResult: Sendable {
    public struct FlowResult: Sendable {
        /// Application bytes per second that arrived in order.
        public var goodput = 0.0
        /// Share of its datagrams that were sent again, 0 ... 1.
        public var retransmittedShare = 0.0
        public var smoothedRTT: Interval?
        public var minimumRTT: Interval?
    }

    /// One point of the series, over the time since the point before.
    public struct Sample: Sendable {
        /// Since the start.
        public var at: Interval
        /// Bytes per second, in the order of the flows.
        public var goodputs: [Double]
        public var queueDelay: Interval
    }

    public internal(set) var flows: [FlowResult] = []
    /// Share of the shared link's rate that datagrams filled, headers and all, 0 ... 1.
    public internal(set) var utilisation = 0.0
    /// Time in the queue and on the wire of the shared link.
    public internal(set) var meanQueueDelay = Interval.zero
    public internal(set) var longestQueueDelay = Interval.zero
    /// Shares of the datagrams given to the shared link, 0 ... 1.
    public internal(set) var droppedShare = 0.0
    public internal(set) var markedShare = 0.0
    /// From the start on, warm-up included.
    public internal(set) var series: [Sample] = []

    /// Of all flows, bytes per second.
    public var goodput: Double { flows.reduce(0) { $0 + $1.goodput } }

    /// Jain's index of the goodputs: 1 when all are equal, 1/n when one flow has everything.
    public var jainIndex: Double { Self.jainIndex(flows.map(\.goodput)) }

    /// (Σx)² / (n Σx²) (RFC 5166 §2.3.1).
    public static func jainIndex(_ values: [Double]) -> Double {
        let squares = values.reduce(0) { $0 + $1 * $1 }
        guard squares > 0 else { return 1 }
        let sum = values.reduce(0, +)
        return sum * sum / (Double(values.count) * squares)
    }

    mutating func fill(from begin: BulkSnapshot, to end: BulkSnapshot, capacity: Double) {
        let goodputs = end.goodputs(since: begin)
        flows = goodputs.indices.map { index in
            let (before, after) = (begin.statistics[index], end.statistics[index])
            let sent = Double(max(1, after.packetsSent - before.packetsSent))
            return FlowResult(
                goodput: goodputs[index],
                retransmittedShare: Double(after.retransmissions - before.retransmissions) / sent,
                smoothedRTT: after.smoothedRTT, minimumRTT: after.minimumRTT)
        }
        let (before, after) = (begin.bottleneck, end.bottleneck)
        let sent = Double(max(1, after.sent - before.sent))
        utilisation = (end.departedBytes - begin.departedBytes) / capacity
        meanQueueDelay = end.queueDelay(since: begin)
        longestQueueDelay = after.longestQueueingTime
        droppedShare = Double(after.droppedInAll - before.droppedInAll) / sent
        markedShare = Double(after.marked - before.marked) / sent
    }
}

extension BulkResult {
    /// The figures for people, a line each.
    public var summary: [String] {
        func share(_ value: Double, _ places: Int = 1) -> String {
            Decimal.format(value * 100, places: places) + " %"
        }
        func milliseconds(_ interval: Interval?) -> String {
            interval.map { Decimal.format($0.inSeconds * 1000, places: 1) + " ms" } ?? "-"
        }
        var lines = [
            "goodput \(Decimal.format(goodput / 1e6, places: 3)) MB/s, utilisation "
                + "\(share(utilisation)), Jain's index \(Decimal.format(jainIndex, places: 3))",
            "queue delay mean \(milliseconds(meanQueueDelay)), longest "
                + "\(milliseconds(longestQueueDelay)); dropped \(share(droppedShare, 2)), "
                + "marked \(share(markedShare, 2))",
        ]
        for (index, flow) in flows.enumerated() {
            lines.append("flow \(index): \(Decimal.format(flow.goodput / 1e6, places: 3)) MB/s, "
                + "retransmitted \(share(flow.retransmittedShare, 2)), RTT "
                + "\(milliseconds(flow.smoothedRTT)), minimum \(milliseconds(flow.minimumRTT))")
        }
        return lines
    }
}

/// The counters of a measurement at one moment.
struct BulkSnapshot {
    var elapsed: Interval
    let received: [UInt64]
    let statistics: [ConnectionStatistics]
    let bottleneck: LinkCounters
    let departedBytes: Double

    func goodputs(since former: BulkSnapshot) -> [Double] {
        let seconds = (elapsed - former.elapsed).inSeconds
        return zip(received, former.received).map { Double($0 - $1) / seconds }
    }

    func queueDelay(since former: BulkSnapshot) -> Interval {
        let queued = bottleneck.queued - former.bottleneck.queued
        let time = bottleneck.queueingTime - former.bottleneck.queueingTime
        return queued > 0 ? time / Int64(queued) : .zero
    }
}
