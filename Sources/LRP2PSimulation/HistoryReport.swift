import LRP2PCore

/// A broken promise, with what it takes to see it again.
public struct HistoryFailure: Error, CustomStringConvertible {
    public let scenario: Scenario
    /// Virtual time since the start.
    public let elapsed: Interval
    public let message: String
    /// Both sides of each unfinished connection at that moment.
    public let state: String

    public var description: String {
        """
        history \(scenario.kind.rawValue), seed \(scenario.seed), after \
        \(Decimal.format(elapsed.inSeconds, places: 6)) s: \(message)
        \(state)
        replay: \(scenario.replayCommand) --trace
        """
    }
}

/// What one history came to.
public struct HistoryReport: Sendable {
    public struct ConnectionReport: Sendable {
        /// From the start of the connection until everything was delivered and acknowledged;
        /// `nil` if that never came.
        public var deliveredAfter: Interval?
        public var bytes: UInt64
        public var initiator: ConnectionStatistics
        public var responder: ConnectionStatistics?
        public var initiatorClose: CloseReason?
        public var responderClose: CloseReason?
        /// Since the start of the history.
        public var initiatorClosedAt: Interval?
        public var responderClosedAt: Interval?
        /// Both sides had extensions on.
        public var isExtended: Bool
    }

    public var connections: [ConnectionReport]
    /// In the order of the scenario's links.
    public var links: [LinkCounters]
    public var elapsed: Interval
    public var steps: Int
    public var datagramsSent: Int
    /// How often the key phase changed, on all connections, in both directions.
    public var keyPhaseChanges: Int
    /// Equal for two runs of one scenario.
    public var digest: UInt64

    public var isDelivered: Bool { connections.allSatisfy { $0.deliveredAfter != nil } }
}

extension SimulatedHistory {
    func report() -> HistoryReport {
        let connections = scenario.connections.indices.compactMap { plan in
            let (initiator, responder) = sides(of: plan)
            return initiator.map { initiator in
                 HistoryReport.ConnectionReport(
                    deliveredAfter: deliveredAt[plan].map { $0 - initiator.startedAt },
                    bytes: scenario.connections[plan].total,
                    initiator: initiator.connection.statistics,
                    responder: responder?.connection.statistics,
                    initiatorClose: initiator.closeReason, responderClose: responder?.closeReason,
                    initiatorClosedAt: initiator.closedAt.map { $0 - network.start },
                    responderClosedAt: responder?.closedAt.map { $0 - network.start },
                    isExtended: initiator.isExtended)
            }
        }
        return HistoryReport(
            connections: connections,
            links: scenario.links.map {
                network.counters(
                    from: SimulatedHost.address(of: $0.source),
                    to: SimulatedHost.address(of: $0.destination))
            },
            elapsed: network.elapsed, steps: steps,
            datagramsSent: hosts.reduce(0) { $0 + $1.datagramsSent },
            keyPhaseChanges: context.monitor.keyPhaseChanges, digest: context.trace.digest)
    }

    func describeState() -> String {
        let sides = hosts.flatMap { host in
            host.connections.filter { !$0.isClosed }.prefix(4).map { side in
                let connection = side.connection
                let statistics = connection.statistics
                return "  host \(host.index) connection \(side.plan): "
                    + "wrote \(side.writer.written) of \(side.writer.plan.total), acknowledged "
                    + "\(connection.sendRing.startPosition), received "
                    + "\(connection.receiveRing.endPosition), read \(side.reader.read), in flight "
                    + "\(statistics.packetsInFlight), congestion window "
                    + "\(statistics.congestionWindowPackets), peer's window "
                    + "\(statistics.peerWindowPackets), next deadline "
                    + (host.endpoint.nextDeadline(now: host.now).map {
                        Decimal.format(($0 - network.start).inSeconds, places: 6) + " s"
                    } ?? "none")
            }
        }
        return sides.joined(separator: "\n")
    }
}

extension HistoryReport {
    /// The figures by which congestion control and loss detection are judged.
    ///
    /// - Parameter bytesPerSecond: the rate of the link that carried the data, if it had one.
    public func summary(bytesPerSecond: Int?) -> [String] {
        var lines = [
            "virtual time  \(Decimal.format(elapsed.inSeconds, places: 3)) s, \(steps) steps, "
                + "\(datagramsSent) datagrams, digest \(String(digest, radix: 16))",
        ]
        for (index, connection) in connections.enumerated() {
            lines += Self.describe(connection, index: index, bytesPerSecond: bytesPerSecond)
        }
        for (index, link) in links.enumerated() {
            let drops = LinkDrop.allCases.filter { link.dropped($0) > 0 }
                .map { "\($0.rawValue) \(link.dropped($0))" }.joined(separator: ", ")
            lines.append("link \(index)        sent \(link.sent) (\(link.sentBytes) B), delivered "
                + "\(link.delivered), duplicated \(link.duplicated), damaged \(link.damaged), "
                + "held back \(link.heldBack); dropped: \(drops.isEmpty ? "none" : drops)")
        }
        return lines
    }

    private static func describe(
        _ connection: ConnectionReport, index: Int, bytesPerSecond: Int?
    ) -> [String] {
        var lines = ["connection \(index)  closed: initiator "
            + "\(connection.initiatorClose?.rawValue ?? "-"), responder "
            + "\(connection.responderClose?.rawValue ?? "-")"]
        if let time = connection.deliveredAfter, time > .zero {
            let goodput = Double(connection.bytes) / time.inSeconds
            var line = "  goodput     \(Decimal.format(goodput / 1e6, places: 3)) MB/s "
                + "(\(connection.bytes) B in \(Decimal.format(time.inSeconds, places: 3)) s)"
            if let bytesPerSecond {
                let share = goodput / Double(bytesPerSecond) * 100
                line += ", \(Decimal.format(share, places: 1)) % of the link"
            }
            lines.append(line)
        } else if connection.deliveredAfter == nil {
            lines.append("  not delivered")
        }
        for (name, side, peer) in [
            ("initiator", connection.initiator as ConnectionStatistics?, connection.responder),
            ("responder", connection.responder, connection.initiator),
        ] {
            guard let side else { continue }
            let sent = Double(max(1, side.packetsSent))
            let causes = RetransmissionCause.allCases
                .map { "\($0.rawValue) \(side.retransmissions(by: $0))" }.joined(separator: ", ")
            lines.append("  \(name)   sent \(side.packetsSent), retransmitted "
                + "\(side.retransmissions) "
                + "(\(Decimal.format(Double(side.retransmissions) / sent * 100, places: 2)) %: "
                + "\(causes)), spurious \(side.spuriousRetransmissions), duplicates at the peer "
                + "\(peer?.duplicatesReceived ?? 0)")
            let threshold = side.slowStartThresholdPackets.map(String.init) ?? "-"
            lines.append("              congestion window \(side.congestionWindowPackets), "
                + "threshold \(threshold), RTT \(milliseconds(side.smoothedRTT)) ms, "
                + "minimum \(milliseconds(side.minimumRTT)) ms")
        }
        return lines
    }

    private static func milliseconds(_ interval: Interval?) -> String {
        interval.map { Decimal.format($0.inSeconds * 1000, places: 2) } ?? "-"
    }
}
