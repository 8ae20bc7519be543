import LRP2P
import LRP2PCore

/// What a transfer over a pipe comes to, after its start.
struct PipeMeasurement {
    /// Payload in order, per second of virtual time, of all flows.
    let bytesPerSecond: Double
    /// Payload of each flow.
    let bytesByFlow: [Double]
    /// Processor time of both endpoints, the pipe and the applications, per data packet.
    let nanosecondsPerPacket: Double
    /// The most that were seen under way.
    let packetsInFlight: Int

    /// Measures the next stretch of a transfer, in parts.
    static func measure(
        _ transfer: PipeTransfer, parts: Int, of span: Interval
    ) -> PipeMeasurement {
        let bytes = transfer.receivedBytes, packets = transfer.packetsSent
        let clock = ThreadClock.nanoseconds
        var inFlight = 0
        for _ in 0..<parts {
            transfer.run(for: span)
            inFlight = max(inFlight, transfer.packetsInFlight)
        }
        let cost = ThreadClock.nanoseconds - clock
        let byFlow = zip(bytes, transfer.receivedBytes).map { Double($1 - $0) }
        return PipeMeasurement(
            bytesPerSecond: byFlow.reduce(0, +) / (span * Int64(parts)).inSeconds,
            bytesByFlow: byFlow,
            nanosecondsPerPacket: Double(cost) / Double(max(1, transfer.packetsSent - packets)),
            packetsInFlight: inFlight)
    }

    /// Rounds in a row that carry the same.
    private static let steadyRounds = 4
    private static let maximumRounds = 200

    /// Runs a transfer until what arrives in a round has changed by less than a twentieth for some
    /// rounds in a row: slow start is over, and what it lost by sending too much is made good.
    ///
    /// - Parameter round: a round trip, or more.
    /// - Returns: how long that took; the last, steady rounds are part of it.
    static func finishStart(of transfer: PipeTransfer, round: Interval) -> Interval {
        var former = 0.0, steady = 0, rounds: Int64 = 0
        while steady < steadyRounds, rounds < maximumRounds {
            let before = transfer.receivedBytes.reduce(0, +)
            transfer.run(for: round)
            rounds += 1
            let arrived = Double(transfer.receivedBytes.reduce(0, +) - before)
            let isSteady = former > 0 && abs(arrived - former) < former * 0.05
            steady = isSteady ? steady + 1 : 0
            former = arrived
        }
        return round * rounds
    }
}
