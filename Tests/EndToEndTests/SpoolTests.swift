import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// A receiving gateway that is killed, again and again, at random moments.
    struct SpoolTests {
        /// What a reader has got so far of one connection.
        private struct Progress: Sendable {
            var bytes = Data()
            var next: String?
        }

        /// Whatever the sender was told to be acknowledged is there after the crash, under the old
        /// cursor; what the reader saw before it does not change. So the sender goes on where the
        /// receiver ends, and every byte has come once.
        @Test func aKilledGatewayHasLostNothing() async throws {
            var random = SplitMix64(seed: 11)
            let payload = Data(Pattern(seed: 11).run(at: 0, count: 24 << 20))
            let directory = try TemporaryDirectory()
            let file = directory.path("payload")
            let a = try await GatewayProcess()
            var received = Data()
            for round in 0..<Scale.kills {
                try payload[received.count...].write(to: URL(fileURLWithPath: file))
                let delay = Duration.milliseconds(random.below(150))
                let more = try await crash(a, directory, file, after: delay)
                received += more
                #expect(payload.prefix(received.count) == received, "round \(round), \(delay)")
                try #require(received.count <= payload.count)
            }
            try payload[received.count...].write(to: URL(fileURLWithPath: file))
            let b = try await start(directory)
            let pair = try await Pair(a, b, address: b.udp)
            let upload = try Curl(["-T", file, "\(a.base)\(pair.dataA)?until=acknowledged"])
            received += try await b.download(pair.dataB, bytes: payload.count - received.count)
            #expect(try await upload.answer().status == 200)
            #expect(received == payload)
            try await pair.stop()
        }

        private func start(_ directory: TemporaryDirectory) async throws -> GatewayProcess {
            try await GatewayProcess(
                ["--data-dir", directory.path("spool")], keyFile: directory.path("key"))
        }

        /// Uploads a file to a new connection, kills the receiver after some time, and returns what
        /// of the file has arrived for good.
        private func crash(
            _ a: GatewayProcess, _ directory: TemporaryDirectory, _ file: String,
            after delay: Duration
        ) async throws -> Data {
            let b = try await start(directory)
            let pair = try await Pair(a, b, address: b.udp)
            let upload = try Curl(["-T", file, "\(a.base)\(pair.dataA)"])
            let progress = Watched(Progress())
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.read(pair, into: progress) }
                // The moment of the crash: nothing is waited for.
                try? await Task.sleep(for: delay)
                b.process.send(signal: SIGKILL)
            }
            _ = try await b.process.wait(within: .seconds(30))
            upload.process.send(signal: SIGKILL)
            let told = try await a.connection(pair.idA).send.acknowledgedOffset

            let later = try await start(directory)
            let seen = progress.value
            let answer = try await later.request("GET", "/v1/connections/\(pair.idB)")
            try #require(answer.status == 200, "\(answer.text)")
            let document = try answer.decode(RestoredDocument.self)
            #expect(document.receive.receivedOffset >= told)
            #expect(document.receive.receivedOffset >= UInt64(seen.bytes.count))
            var bytes = seen.bytes
            var next = seen.next ?? document.receive.acknowledged
            while UInt64(bytes.count) < document.receive.receivedOffset {
                let rest = try await later.request("GET", "\(pair.dataB)?offset=\(next)&ack=\(next)")
                try #require(rest.status == 200, "\(rest.text)")
                bytes += rest.body
                next = try #require(rest["Next-Offset"])
            }
            let end = try await later.request("GET", "\(pair.dataB)?offset=\(next)&ack=\(next)")
            #expect(end.status == 204 && end["Stream-Closed"] == "true")
            for (gateway, id) in [(later, pair.idB), (a, pair.idA)] {
                _ = try await gateway.request("DELETE", "/v1/connections/\(id)?abort=true")
            }
            try await later.stop()
            return bytes
        }

        /// Long-polls and acknowledges until the gateway is gone.
        private func read(_ pair: Pair, into progress: Watched<Progress>) async {
            while true {
                let next = progress.value.next
                let query = next.map { "&offset=\($0)&ack=\($0)" } ?? ""
                guard
                    let answer = try? await pair.b.request("GET", "\(pair.dataB)?wait=60s\(query)"),
                    answer.status == 200, let cursor = answer["Next-Offset"],
                    // Not one that the crash has cut off.
                    answer["Content-Length"] == "\(answer.body.count)"
                else { return }
                progress.update {
                    $0.bytes += answer.body
                    $0.next = cursor
                }
            }
        }

        private struct RestoredDocument: Decodable {
            struct Receive: Decodable {
                let acknowledged: String
                let receivedOffset: UInt64
            }

            let state: String
            let receive: Receive
        }
    }
}
