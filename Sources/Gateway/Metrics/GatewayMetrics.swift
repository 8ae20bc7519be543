import LRP2P
import Spool

typealias SpoolStorage = Spool

/// All figures at one moment, and their text. A plain value.
struct GatewayMetrics: Sendable {
    /// The figures of one connection that has time series of its own.
    struct Connection: Sendable {
        let id: String
        let peer: String
        let direction: ConnectionDirection
        let statistics: ConnectionStatistics
        /// What has been received and not been acknowledged, by position.
        let unacknowledged: Range<UInt64>
    }

    /// What there may be; each is next to a figure that can come near it.
    struct Limits: Sendable {
        let connections: Int
        let handshakes: Int
        let closedConnections: Int
        let waitingRequests: Int

        init(_ limits: GatewayLimits, _ endpoint: EndpointConfiguration) {
            connections = limits.maximumKeptConnections
            handshakes = endpoint.maximumHandshakes
            closedConnections = limits.maximumClosedConnections
            waitingRequests = limits.maximumWaiters
        }
    }

    /// What the buffers of all connections take.
    struct Memory: Sendable {
        let budgetBytes: Int
        let reservedBytes: Int
        let chunkBytes: Int

        init(_ budget: MemoryBudget) {
            budgetBytes = budget.limit
            reservedBytes = budget.reserved
            chunkBytes = budget.chunkBytesInUse
        }
    }

    /// What is kept on disk.
    struct Spool: Sendable {
        let storedBytes: Int
        let limitBytes: Int
        let commits: UInt64
        let failures: UInt64

        init(_ spool: SpoolStorage) {
            storedBytes = spool.storedBytes
            limitBytes = spool.limit
            (commits, failures) = spool.commits
        }
    }

    var endpoint: EndpointStatistics
    var openConnections: Int
    var closedConnections: Int
    var totals: ConnectionRegistry.Totals
    var receiveUnacknowledgedBytes: Int
    var sendQueueBytes: Int
    var memory: Memory
    var spool: Spool?
    var limits: Limits
    var server: HTTPServerFigures?
    var waitingRequests: Int
    var http: HTTPCounters.Snapshot
    var process: ProcessStatistics?
    var connections: [Connection]
    var omittedConnections: Int

    func text(_ format: MetricsFormat) -> String {
        var writer = MetricsWriter(format)
        writeConnectionCounts(&writer)
        writeHandshakes(&writer)
        writeTransport(&writer)
        writeBuffers(&writer)
        writeSpool(&writer)
        writeHTTP(&writer)
        writeConnections(&writer)
        writeProcess(&writer)
        return writer.text
    }

    private func writeConnectionCounts(_ writer: inout MetricsWriter) {
        writer.family(
            "lrp2p_connections", .gauge,
            "Connections by state; closed ones are those whose data can still be read.")
        let states = [
            ("handshaking", endpoint.handshakesInProgress), ("open", openConnections),
            ("closed", closedConnections),
        ]
        for (state, count) in states {
            writer.sample("lrp2p_connections", [("state", state)], count)
        }
        writer.family(
            "lrp2p_connections_limit", .gauge,
            "Connections there may be, by state; beyond it the oldest closed one is forgotten, "
                + "unless it has unread bytes in the spool.")
        let maxima = [
            ("handshaking", limits.handshakes), ("open", limits.connections),
            ("closed", limits.closedConnections),
        ]
        for (state, limit) in maxima {
            writer.sample("lrp2p_connections_limit", [("state", state)], limit)
        }
        writer.family(
            "lrp2p_connections_opened_total", .counter,
            "Connections whose handshake finished, by who began it.")
        for direction in ConnectionDirection.allCases {
            writer.sample(
                "lrp2p_connections_opened_total", [("direction", direction.rawValue)],
                totals.opened[direction] ?? 0)
        }
        writer.family(
            "lrp2p_connections_closed_total", .counter, "Opened connections that ended, by reason.")
        for reason in CloseReason.allCases {
            writer.sample(
                "lrp2p_connections_closed_total", [("reason", reason.rawValue)],
                totals.closed[reason] ?? 0)
        }
    }

    private func writeHandshakes(_ writer: inout MetricsWriter) {
        writer.family(
            "lrp2p_handshake_duration_seconds", .histogram,
            "Time from the first datagram of a handshake until it finished.")
        writer.histogram("lrp2p_handshake_duration_seconds", [], endpoint.handshakeDurations)
        let name = "lrp2p_handshakes_failed_total"
        writer.family(
            name, .counter,
            "Handshakes that led to no connection, by who began them and reason; "
                + "a probe is one datagram with nothing after it, as of a port scan.")
        for reason in InboundHandshakeFailure.allCases {
            writer.sample(
                name, [("direction", "inbound"), ("reason", reason.rawValue)],
                endpoint.inboundHandshakeFailures[reason] ?? 0)
        }
        for reason in OutboundHandshakeFailure.allCases {
            writer.sample(
                name, [("direction", "outbound"), ("reason", reason.rawValue)],
                endpoint.outboundHandshakeFailures[reason] ?? 0)
        }
    }

    private func writeTransport(_ writer: inout MetricsWriter) {
        writer.family(
            "lrp2p_rtt_seconds", .histogram, "Round-trip time samples of all connections.")
        writer.histogram("lrp2p_rtt_seconds", [], endpoint.rttSamples)

        writer.family("lrp2p_packets_sent_total", .counter, "UDP datagrams sent.")
        writer.sample("lrp2p_packets_sent_total", [], endpoint.packetsSent)
        writer.family("lrp2p_packets_received_total", .counter, "UDP datagrams received.")
        writer.sample("lrp2p_packets_received_total", [], endpoint.packetsReceived)
        writer.family(
            "lrp2p_packets_retransmitted_total", .counter, "Segments sent again, by cause.")
        for (cause, count) in zip(RetransmissionCause.allCases, endpoint.retransmissionsByCause) {
            writer.sample(
                "lrp2p_packets_retransmitted_total", [("cause", cause.rawValue)], count)
        }
        writer.family(
            "lrp2p_datagrams_dropped_total", .counter, "Received UDP datagrams dropped, by reason.")
        for (reason, count) in zip(DropReason.allCases, endpoint.dropsByReason) {
            writer.sample("lrp2p_datagrams_dropped_total", [("reason", reason.rawValue)], count)
        }
        writer.family(
            "lrp2p_sent_bytes_total", .counter, "Application bytes sent for the first time.")
        writer.sample("lrp2p_sent_bytes_total", [], endpoint.sentBytes)
        writer.family(
            "lrp2p_received_bytes_total", .counter, "Application bytes received, in order.")
        writer.sample("lrp2p_received_bytes_total", [], endpoint.receivedBytes)
    }

    private func writeBuffers(_ writer: inout MetricsWriter) {
        writer.family(
            "lrp2p_receive_unacknowledged_bytes", .gauge,
            "Bytes received that HTTP clients have not acknowledged.")
        writer.sample("lrp2p_receive_unacknowledged_bytes", [], receiveUnacknowledgedBytes)
        writer.family(
            "lrp2p_send_queue_bytes", .gauge,
            "Bytes accepted from HTTP clients that peers have not acknowledged.")
        writer.sample("lrp2p_send_queue_bytes", [], sendQueueBytes)
        writer.family(
            "lrp2p_memory_budget_bytes", .gauge,
            "Bytes by which the buffers of all connections may grow together.")
        writer.sample("lrp2p_memory_budget_bytes", [], memory.budgetBytes)
        writer.family(
            "lrp2p_memory_reserved_bytes", .gauge,
            "Bytes by which the buffers of all connections have been allowed to grow.")
        writer.sample("lrp2p_memory_reserved_bytes", [], memory.reservedBytes)
        writer.family(
            "lrp2p_buffer_chunk_bytes", .gauge, "Bytes of the chunks that hold buffered data.")
        writer.sample("lrp2p_buffer_chunk_bytes", [], memory.chunkBytes)
    }

    private func writeSpool(_ writer: inout MetricsWriter) {
        guard let spool else { return }
        writer.family(
            "lrp2p_spool_bytes", .gauge,
            "Received bytes on disk that HTTP clients have not acknowledged.")
        writer.sample("lrp2p_spool_bytes", [], spool.storedBytes)
        writer.family("lrp2p_spool_limit_bytes", .gauge, "The most there may be of them.")
        writer.sample("lrp2p_spool_limit_bytes", [], spool.limitBytes)
        writer.family(
            "lrp2p_spool_commits_total", .counter, "Groups of changes made durable.")
        writer.sample("lrp2p_spool_commits_total", [], spool.commits)
        writer.family(
            "lrp2p_spool_failures_total", .counter,
            "Groups of changes that the disk did not take; they are tried again.")
        writer.sample("lrp2p_spool_failures_total", [], spool.failures)
    }
}
