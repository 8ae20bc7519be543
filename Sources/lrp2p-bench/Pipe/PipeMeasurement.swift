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
    static func measure(_ transfer: PipeTransfer, parts: Int, of span: Interval) -> PipeMeasurement {
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

    /// Rounds without growth that end the start.
    private static let steadyRounds = 2
    private static let maximumRounds = 100

    /// Runs a transfer until what arrives in a round trip grows by less than a twentieth, twice in
    /// a row: slow start, whatever it is called, is over.
    static func finishStart(of transfer: PipeTransfer, roundTrip: Interval) {
        var former = 0.0, steady = 0
        for _ in 0..<maximumRounds where steady < steadyRounds {
            let before = transfer.receivedBytes.reduce(0, +)
            transfer.run(for: roundTrip)
            let arrived = Double(transfer.receivedBytes.reduce(0, +) - before)
            steady = former > 0 && arrived < former * 1.05 ? steady + 1 : 0
            former = arrived
        }
    }
}
