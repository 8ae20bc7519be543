import LRP2P

extension GatewayMetrics {
    /// Families of their own, so that sums over the process-wide ones count nothing twice.
    func writeConnections(_ writer: inout MetricsWriter) {
        gauge(&writer, "rtt_seconds", "Smoothed round-trip time.") { $0.smoothedRTT?.inSeconds }
        gauge(&writer, "rtt_min_seconds", "Smallest round-trip time.") { $0.minimumRTT?.inSeconds }
        gauge(&writer, "rtt_variation_seconds", "Mean deviation of the round-trip time.") {
            $0.rttVariation?.inSeconds
        }
        gauge(&writer, "datagram_bytes", "Bytes of a full UDP datagram on the path.") {
            Double($0.datagramBytes)
        }
        gauge(&writer, "congestion_window_packets", "Packets the network is believed to take.") {
            Double($0.congestionWindowPackets)
        }
        gauge(&writer, "peer_window_packets", "Packets the peer is willing to take.") {
            Double($0.peerWindowPackets)
        }
        gauge(&writer, "in_flight_packets", "Packets sent and not yet acknowledged.") {
            Double($0.packetsInFlight)
        }
        counter(&writer, "retransmits_total", "Segments sent again.") { $0.retransmissions }
        counter(&writer, "sent_bytes_total", "Application bytes sent for the first time.") {
            $0.sentBytes
        }
        counter(&writer, "received_bytes_total", "Application bytes received, in order.") {
            $0.receivedBytes
        }
        let waiting = "lrp2p_connection_receive_unacknowledged_bytes"
        writer.family(waiting, .gauge, "Bytes received that HTTP clients have not acknowledged.")
        for connection in connections {
            writer.sample(waiting, connection.labels, connection.unacknowledged.count)
        }
        let freed = "lrp2p_connection_acknowledged_bytes_total"
        writer.family(
            freed, .counter, "Bytes received that all readers have acknowledged; they are freed.")
        for connection in connections {
            writer.sample(freed, connection.labels, connection.unacknowledged.lowerBound)
        }
        writer.family(
            "lrp2p_connection_series_omitted", .gauge,
            "Open connections without time series of their own, because of the limit on them.")
        writer.sample("lrp2p_connection_series_omitted", [], omittedConnections)
    }

    /// A figure that is not known yet has no sample: 0 would be a lie.
    private func gauge(
        _ writer: inout MetricsWriter, _ name: String, _ help: String,
        _ value: (ConnectionStatistics) -> Double?
    ) {
        let name = "lrp2p_connection_" + name
        writer.family(name, .gauge, help)
        for connection in connections {
            guard let value = value(connection.statistics) else { continue }
            writer.sample(name, connection.labels, value)
        }
    }

    private func counter(
        _ writer: inout MetricsWriter, _ name: String, _ help: String,
        _ value: (ConnectionStatistics) -> UInt64
    ) {
        let name = "lrp2p_connection_" + name
        writer.family(name, .counter, help)
        for connection in connections {
            writer.sample(name, connection.labels, value(connection.statistics))
        }
    }

    func writeProcess(_ writer: inout MetricsWriter) {
        guard let process else { return }
        writer.family(
            "process_cpu_seconds_total", .counter, "User and system CPU time spent, in seconds.")
        writer.sample("process_cpu_seconds_total", [], process.cpuSeconds)
        writer.family("process_open_fds", .gauge, "Open file descriptors.")
        writer.sample("process_open_fds", [], process.openFileDescriptors)
        if let maximum = process.maximumFileDescriptors {
            writer.family("process_max_fds", .gauge, "File descriptors that may be open.")
            writer.sample("process_max_fds", [], maximum)
        }
        writer.family("process_virtual_memory_bytes", .gauge, "Virtual memory size.")
        writer.sample("process_virtual_memory_bytes", [], process.virtualMemoryBytes)
        writer.family("process_resident_memory_bytes", .gauge, "Resident memory size.")
        writer.sample("process_resident_memory_bytes", [], process.residentMemoryBytes)
        writer.family(
            "process_start_time_seconds", .gauge, "When the process started, in Unix time.")
        writer.sample("process_start_time_seconds", [], process.startTimeSeconds)
    }
}

extension GatewayMetrics.Connection {
    var labels: MetricsWriter.Labels {
        [("connection", id), ("peer", peer), ("direction", direction.rawValue)]
    }
}
