import GatewayClient

/// The figures of connections, and what they have moved since the last look.
struct WatchTable {
    private struct Sample {
        let at: ContinuousClock.Instant
        let acknowledged: UInt64
        let received: UInt64
    }

    private var last: [String: Sample] = [:]

    mutating func lines(
        _ documents: [ConnectionDocument], now: ContinuousClock.Instant
    ) -> [String] {
        var table = Table([
            "CONNECTION", "PEER", "RTT", "WINDOW", "IN FLIGHT", "SENDING", "RECEIVING", "SENT",
            "RECEIVED", "REPEATED", "LIMITED BY",
        ])
        var samples: [String: Sample] = [:]
        for document in documents {
            let sample = Sample(
                at: now, acknowledged: document.send?.acknowledgedOffset ?? 0,
                received: document.receive.receivedOffset)
            table.add(Self.cells(document, sample, since: last[document.id]))
            samples[document.id] = sample
        }
        last = samples
        return documents.isEmpty ? ["no connection is open"] : table.lines
    }

    private static func cells(
        _ document: ConnectionDocument, _ sample: Sample, since last: Sample?
    ) -> [String] {
        func rate(_ value: (Sample) -> UInt64) -> String {
            guard let last, sample.at > last.at, value(sample) >= value(last) else { return "-" }
            return Quantity.rate(
                Double(value(sample) - value(last)) / ((sample.at - last.at) / .seconds(1)))
        }
        let transport = document.transport
        let state: String? =
            document.state == .closed
            ? "closed: \(CloseReason.text(document.closeReason))"
            : transport.map { LimitedBy.text($0.limitedBy) }
        return [
            document.name ?? document.id, document.peer,
            document.rtt?.smoothedSeconds.map(Quantity.seconds) ?? "-",
            transport.map { "\($0.congestionWindowPackets)" } ?? "-",
            transport.map { "\($0.inFlightPackets)" } ?? "-",
            rate(\.acknowledged), rate(\.received), Quantity.bytes(sample.acknowledged),
            Quantity.bytes(sample.received),
            transport.map { "\($0.retransmits.values.reduce(0, +))" } ?? "-", state ?? "-",
        ]
    }
}
