import Foundation
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// Flow control, end to end: from a reader that stops to the client that sends.
    @Suite struct StoppedReaderTests {
        /// What each buffer of a connection has from the start, in bytes.
        private static let initialBuffer = 64 << 10
        /// By how much a process may grow that carries one connection: two buffers of 16 MiB, in a
        /// ring that may be twice as large while it grows, and what is on its way through HTTP.
        private static let memoryBudget = 64 << 20

        @Test("A reader that stops: the sender stands in bounded memory, and then all arrives")
        func stoppedReader() async throws {
            let bytes = Scale.offeredBytes
            let pattern = Pattern(seed: 1)
            let pair = try await Pair()
            let idle = try await pair.a.connection(pair.idA).transport.limitedBy
            #expect(idle == "application")
            let memory = [try pair.a.residentBytes, try pair.b.residentBytes]
            async let receipt = upload(bytes, of: pattern, pair)

            // Nobody has read yet: the receive buffer does not grow, and the send buffer only
            // with what the peer acknowledges.
            let first = try await stall(pair, after: Self.initialBuffer)
            #expect(first.receivedOffset <= Self.initialBuffer)
            #expect(first.acceptedOffset <= first.receivedOffset + UInt64(first.bufferBytes))
            #expect(first.bufferBytes <= 4 * Self.initialBuffer)

            // The buffers have grown when the reader stops again.
            var reader = PatternReader(pair.b, pair.dataB, pattern)
            try await reader.read(upTo: bytes / 4)
            let second = try await stall(pair, after: reader.position)
            #expect(second.acceptedOffset < UInt64(bytes))
            try await reader.read(upTo: bytes)

            #expect(try await receipt.acceptedOffset == UInt64(bytes))
            #expect(reader.position == bytes)
            for (gateway, before) in zip([pair.a, pair.b], memory) {
                let grown = try gateway.peakResidentBytes - before
                #expect(grown < Self.memoryBudget, "grown by \(grown >> 20) MiB")
            }
            try await eventually("all acknowledged") {
                try await pair.a.connection(pair.idA).send.acknowledgedOffset == UInt64(bytes)
            }
            try await limit(pair.a, pair.idA, becomes: "application")
            try await pair.stop()
        }

        @Test("A slow network is what limits the sender, as long as there is something to send")
        func slowNetwork() async throws {
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let relay = try await Relay(to: b.udp, ["--bandwidth", "50mbit"])
            let pair = try await Pair(a, b, address: relay.address)
            let bytes = 16 << 20, pattern = Pattern(seed: 2)
            async let receipt = upload(bytes, of: pattern, pair)
            async let received: Void = {
                var reader = PatternReader(pair.b, pair.dataB, pattern)
                try await reader.read(upTo: bytes)
            }()
            try await limit(pair.a, pair.idA, becomes: "network")
            try await received
            #expect(try await receipt.acceptedOffset == UInt64(bytes))
            try await limit(pair.a, pair.idA, becomes: "application")
            try await pair.stop()
        }

        private struct Stall {
            let acceptedOffset: UInt64
            let receivedOffset: UInt64
            let bufferBytes: Int
        }

        /// Waits until the upload has not moved for a while; it would in a moment if it could.
        private func stall(_ pair: Pair, after least: Int) async throws -> Stall {
            var last = try await pair.a.connection(pair.idA)
            var repetitions = 0
            try await eventually("the upload held up by the reader at the other end") {
                let now = try await pair.a.connection(pair.idA)
                let isSame = now.send.acceptedOffset == last.send.acceptedOffset
                let hasStood = isSame && now.send.acceptedOffset > UInt64(least)
                repetitions = hasStood ? repetitions + 1 : 0
                last = now
                return repetitions >= 25
            }
            // Each side blames the other, and rightly.
            #expect(last.transport.limitedBy == "peer_window")
            let other = try await pair.b.connection(pair.idB)
            #expect(other.transport.limitedBy == "local_reader")
            return Stall(
                acceptedOffset: last.send.acceptedOffset,
                receivedOffset: other.receive.receivedOffset, bufferBytes: last.send.bufferBytes)
        }

        /// Figures of the transport are some milliseconds old.
        private func limit(
            _ gateway: GatewayProcess, _ id: String, becomes name: String
        ) async throws {
            try await eventually("limited by \(name)") {
                try await gateway.connection(id).transport.limitedBy == name
            }
        }

        private func upload(
            _ bytes: Int, of pattern: Pattern, _ pair: Pair
        ) async throws -> UploadDocument {
            let answer = try await onThread {
                let client = try TCPClient(port: pair.a.httpPort)
                try client.writeHead("POST", pair.dataA, length: bytes, "Connection: close")
                try client.write(pattern, from: 0, count: bytes)
                return try client.readAnswer()
            }
            #expect(answer.status == 200)
            return try answer.decode(UploadDocument.self)
        }
    }
}
