import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    @Suite struct RobustnessTests {
        @Test("Eight forged datagrams for each real one: the transfer goes on, each is counted")
        func forgery() async throws {
            // With datagrams of this length a megabyte is some hundreds of them each way.
            let a = try await GatewayProcess(["--max-datagram", "1400"])
            let b = try await GatewayProcess(["--max-datagram", "1400"])
            let relay = try HostileRelay(to: b.udpPort)
            defer { relay.stop() }
            let pair = try await Pair(a, b, address: "127.0.0.1:\(relay.port)")
            try await exchange(pair, bytes: 1 << 20)
            #expect(relay.injectedCount > 1000)
            for gateway in [a, b] {
                let metrics = try await gateway.metrics()
                for reason in ["too_short", "unknown_connection", "unauthenticated", "replayed"] {
                    let count = metrics.value(
                        "lrp2p_datagrams_dropped_total", ["reason": reason])
                    #expect(try #require(count) > 0, Comment(rawValue: reason))
                }
                // Foreign connection ids have made no state.
                #expect(metrics.value("lrp2p_connections", ["state": "open"]) == 1)
            }
            try await pair.stop()
        }

        @Test("500 long-polls wait without a thread of their own, and all are answered")
        func longPolls() async throws {
            let pair = try await Pair()
            let waiting = try poll(pair, count: 50)
            try await pair.b.waitForPolls(50)
            let threads = try pair.b.threadCount
            let more = try poll(pair, count: 450)
            try await pair.b.waitForPolls(500)
            // Swift's own threads may still have come, one per processor at most.
            let processors = ProcessInfo.processInfo.activeProcessorCount
            #expect(try pair.b.threadCount <= threads + processors)

            let sent = try await pair.a.request("POST", pair.dataA, body: Array("hello".utf8))
            #expect(sent.status == 200)
            for client in waiting + more {
                let answer = try await onThread { try client.readAnswer() }
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
            }
            try await pair.b.waitForPolls(0)
            try await pair.stop()
        }

        private func poll(_ pair: Pair, count: Int) throws -> [TCPClient] {
            try (0..<count).map { _ in
                let client = try TCPClient(port: pair.b.httpPort)
                try client.write("GET", "\(pair.dataB)?wait=60s")
                return client
            }
        }

        @Test("What is not HTTP does no harm")
        func garbageOverTCP() async throws {
            let gateway = try await GatewayProcess()
            let inputs: [[UInt8]] = [
                Array("\r\n\r\n\r\n".utf8),
                Array("GET\r\n\r\n".utf8),
                Array("GET / HTTP/9.9\r\n\r\n".utf8),
                Array("GET /v1/node HTTP/1.1\r\nNo colon\r\n\r\n".utf8),
                Array("GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8),
                Array("GET /\(String(repeating: "x", count: 100_000)) HTTP/1.1\r\n\r\n".utf8),
                (0..<10_000).map { _ in UInt8.random(in: 0...255) },
                Array("POST /v1/connections HTTP/1.1\r\nContent-Length: -1\r\n\r\n".utf8),
                Array("POST /v1/connections HTTP/1.1\r\nContent-Length: 99\r\n\r\nshort".utf8),
            ]
            for input in inputs {
                let client = try TCPClient(port: gateway.httpPort)
                // The server may hang up on it; it must not stay away afterwards.
                try? client.write(input)
            }
            #expect(try await gateway.request("GET", "/healthz").status == 200)
            try await gateway.stop()
        }
    }
}
