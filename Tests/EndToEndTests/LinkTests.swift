import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    /// Through `lrp2p-bench link`: real UDP sockets, and a bad network in between.
    @Suite struct LinkTests {
        @Test("5 % loss, 2 % duplication, 20 ms ± 10 ms: both ways, and the metrics tell it")
        func badNetwork() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let relay = try await Relay(
                to: b.udp,
                ["--loss", "5%", "--duplicate", "2%", "--delay", "20ms", "--jitter", "10ms"])
            let pair = try await Pair(a, b, address: relay.address)
            try await exchange(pair, bytes: Products.badLinkBytes)

            for (gateway, id) in [(a, pair.idA), (b, pair.idB)] {
                let here = ["connection": id]
                try await gateway.waitForMetric(
                    "lrp2p_connection_sent_bytes_total", here, is: Double(Products.badLinkBytes))
                let metrics = try await gateway.metrics()
                let rtt = try #require(metrics.value("lrp2p_connection_rtt_seconds", here))
                // Two ways of at least 10 ms.
                #expect(rtt >= 0.02 && rtt < 10)
                let again = try #require(
                    metrics.value("lrp2p_connection_retransmits_total", here))
                #expect(again > 0)
                #expect(metrics.value("lrp2p_packets_retransmitted_total") == again)
                let replayed = metrics.value(
                    "lrp2p_datagrams_dropped_total", ["reason": "replayed"])
                #expect(try #require(replayed) > 0)
            }
            try await pair.stop()
        }
    }
}

/// A running `lrp2p-bench link`.
struct Relay {
    private struct ReadyLine: Decodable {
        let address: String
    }

    let process: ChildProcess
    let address: String

    init(to destination: String, _ conditions: [String]) async throws {
        process = try ChildProcess(
            Products.path("lrp2p-bench"),
            ["link", "--listen", "127.0.0.1:0", "--to", destination, "--seed", "1"] + conditions)
        let line = try await process.nextLine()
        address = try JSONDecoder().decode(ReadyLine.self, from: Data(line.utf8)).address
    }
}
