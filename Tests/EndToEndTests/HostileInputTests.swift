import Foundation
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// What strangers send, while others work.
    @Suite struct HostileInputTests {
        /// What a process may be larger by afterwards: the allocator does not give all back.
        private static let memoryTolerance = 32 << 20

        @Test("Random, damaged and repeated datagrams: a transfer goes on, and nothing stays")
        func datagrams() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let relay = try HostileRelay(to: b.udpPort, forges: false)
            defer { relay.stop() }
            let pair = try await Pair(a, b, address: "127.0.0.1:\(relay.port)")
            try await withMemoryChecked(pair) { first in
                async let storm: Void = onThread { relay.storm(Scale.hostileDatagrams, seed: 5) }
                var round = first
                repeat {
                    try await exchange(pair, from: round)
                    round += 1
                } while relay.injectedCount < Scale.hostileDatagrams
                try await storm
            }
            for gateway in [a, b] {
                let metrics = try await gateway.metrics()
                #expect(metrics.value("lrp2p_connections", ["state": "open"]) == 1)
                let dropped = metrics.value("lrp2p_datagrams_dropped_total")
                #expect(try #require(dropped) > Double(Scale.hostileDatagrams / 10))
            }
            try await pair.stop()
        }

        @Test("Malformed requests: a transfer goes on, and nobody is to blame but the client")
        func requests() async throws {
            let pair = try await Pair()
            let clients = 4
            try await withMemoryChecked(pair) { first in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<clients {
                        group.addTask {
                            try await onThread {
                                try Self.sendMalformed(
                                    Scale.malformedRequests / clients, seed: UInt64(client),
                                    to: pair.b.httpPort)
                            }
                        }
                    }
                    for round in first..<(first + 4) { try await exchange(pair, from: round) }
                    try await group.waitForAll()
                }
            }
            let codes = try await pair.b.metrics().samples.filter {
                $0.name == "lrp2p_http_requests_total" && $0.labels["code"]?.first == "5"
            }
            #expect(codes.allSatisfy { $0.value == 0 }, "\(codes)")
            try await pair.stop()
        }

        private static func sendMalformed(_ count: Int, seed: UInt64, to port: UInt16) throws {
            var requests = MalformedRequests(seed: seed)
            for number in 0..<count {
                let request = requests.next()
                let client = try TCPClient(port: port)
                client.resetAtEnd()
                // The server may hang up before it has read all.
                guard (try? client.write(request)) != nil else { continue }
                // What waits for the rest of a request does so in vain: it is cut off.
                let answer = client.readSome(withinMilliseconds: 20)
                guard !answer.isEmpty else { continue }
                let line = String(decoding: answer.prefix { $0 != 0x0d }, as: UTF8.self)
                let status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                // Of a coding or a version nobody has, which is the request's fault
                // (RFC 9110 §15.6.2, §15.6.6).
                let isFine = status.map { $0 < 500 || $0 == 501 || $0 == 505 } ?? false
                #expect(isFine, "\(line), request \(number) of seed \(seed)")
            }
        }

        @Test("Handshakes of 10,000 strange addresses: a transfer goes on, tables stay bounded")
        func handshakes() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let relay = try HostileRelay(to: b.udpPort, forges: false)
            defer { relay.stop() }
            let pair = try await Pair(a, b, address: "127.0.0.1:\(relay.port)")
            let offer = try #require(relay.firstDatagram)
            let port = b.udpPort
            try await withMemoryChecked(pair) { first in
                async let flood: Void = onThread {
                    var random = SplitMix64(seed: 6)
                    for _ in 0..<Scale.floodRounds {
                        for source in 0..<Scale.floodingSources {
                            // One with an offer, one of the base protocol: each with a key and
                            // a connection of its own.
                            let start = random.bytes(40)
                            try SpoofedSource.send(
                                [start + offer.dropFirst(40), start], from: source, to: port)
                        }
                    }
                }
                for round in first..<(first + 4) { try await exchange(pair, from: round) }
                try await flood
                // What is remembered of them has its limit, and its time.
                let metrics = try await b.metrics()
                let handshakes = metrics.value("lrp2p_connections", ["state": "handshaking"])
                #expect(try #require(handshakes) <= 1024)
            }
            let metrics = try await b.metrics()
            #expect(metrics.value("lrp2p_connections", ["state": "open"]) == 1)
            let received = metrics.value("lrp2p_packets_received_total")
            #expect(try #require(received) > Double(Scale.floodingSources))
            try await pair.stop()
        }

        private static let roundBytes = 4 << 20

        /// Both ways at the same time, every byte checked.
        private func exchange(_ pair: Pair, from round: Int) async throws {
            let bytes = Self.roundBytes, start = round * bytes
            let pattern = Pattern(seed: UInt64(round))
            async let there: Void = carry(
                pattern, bytes, from: (pair.a, pair.dataA), to: (pair.b, pair.dataB), at: start)
            async let back: Void = carry(
                pattern, bytes, from: (pair.b, pair.dataB), to: (pair.a, pair.dataA), at: start)
            _ = try await (there, back)
        }

        private func carry(
            _ pattern: Pattern, _ bytes: Int, from source: (GatewayProcess, String),
            to destination: (GatewayProcess, String), at start: Int
        ) async throws {
            async let upload = onThread {
                let client = try TCPClient(port: source.0.httpPort)
                try client.writeHead("POST", source.1, length: bytes, "Connection: close")
                try client.write(pattern, from: 0, count: bytes)
                return try client.readAnswer()
            }
            var reader = PatternReader(destination.0, destination.1, pattern)
            try await reader.read(upTo: bytes)
            let end = try #require(reader.cursor)
            let acknowledged = try await destination.0.request(
                "POST", destination.1.replacing(/data$/, with: "ack"),
                body: Array(#"{"offset":"\#(end)"}"#.utf8))
            #expect(acknowledged.status == 200)
            let answer = try await upload
            #expect(answer.status == 200)
            let accepted = try answer.decode(UploadDocument.self).acceptedOffset
            #expect(accepted == UInt64(start + bytes))
        }

        /// Does it between two looks at the memory of both processes, after a first exchange: what
        /// every transfer needs does not count.
        ///
        /// - Parameter body: is given the number of its first exchange.
        private func withMemoryChecked(
            _ pair: Pair, _ body: (Int) async throws -> Void
        ) async throws {
            let gateways = [pair.a, pair.b]
            try await exchange(pair, from: 0)
            let before = try gateways.map { try $0.residentBytes }
            try await body(1)
            for (gateway, before) in zip(gateways, before) {
                let grown = try gateway.residentBytes - before
                #expect(grown < Self.memoryTolerance, "grown by \(grown >> 10) KiB")
                #expect(try await gateway.request("GET", "/healthz").status == 200)
            }
        }
    }
}
