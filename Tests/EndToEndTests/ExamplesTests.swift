import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// The clients that people are told to copy do what they promise.
    @Suite struct ExamplesTests {
        @Test("Killed again and again at random moments, it receives every byte once", arguments: [
            [.shell], [.python], [.javaScript], [.go], ExampleClient.allCases,
        ])
        func killed(clients: [ExampleClient]) async throws {
            let pair = try await Pair()
            let transfer = try ExampleTransfer(pair, bytes: 4 << 20, seed: 21)
            var random = SplitMix64(seed: 21)
            for round in 0..<Scale.kills {
                // With several, each goes on where another one was.
                let client = try await clients[random.below(clients.count)].start(
                    pair.b, pair.idB, into: transfer.file)
                // In some rounds it has not even begun, in others it is in the middle.
                for _ in 0..<random.below(4) {
                    try await transfer.send(1 + random.below(65_536))
                    try await transfer.allIsReceived()
                }
                try await transfer.send(1 + random.below(262_144))
                try await Task.sleep(for: .milliseconds(random.below(30)))
                client.send(signal: SIGKILL)
                try #require(try await client.wait() == .signal(SIGKILL), "\(client.errorText)")

                // Whatever was acknowledged is there, and nothing wrong.
                let received = transfer.received
                #expect(transfer.payload.starts(with: received), "round \(round)")
                #expect(received.count <= transfer.sent)
                #expect(try await acknowledged(pair) <= received.count, "round \(round)")
            }
            let last = try await clients[0].start(pair.b, pair.idB, into: transfer.file)
            try await transfer.sendRest()
            try await transfer.finish(pair)
            let exit = try await last.wait(within: .seconds(120))
            #expect(exit == .status(0), "\(last.errorText)")
            #expect(transfer.received == transfer.payload)
            #expect(try await acknowledged(pair) == transfer.payload.count)
            try await pair.stop()
        }

        private func acknowledged(_ pair: Pair) async throws -> Int {
            let answer = try await pair.b.request("GET", "/v1/connections/\(pair.idB)")
            let document = try answer.decode(AcknowledgedDocument.self)
            return document.receive.acknowledgedOffset
        }

        private struct AcknowledgedDocument: Decodable {
            struct Receive: Decodable { let acknowledgedOffset: Int }
            let receive: Receive
        }

        @Test("A gateway that is killed and comes back with its spool is waited for",
            arguments: ExampleClient.allCases)
        func restartedGateway(client: ExampleClient) async throws {
            let directory = try TemporaryDirectory()
            let spool = ["--data-dir", directory.path("spool")], key = directory.path("key")
            let a = try await GatewayProcess()
            let b = try await GatewayProcess(spool, keyFile: key)
            let pair = try await Pair(a, b, address: b.udp)
            let transfer = try ExampleTransfer(pair, bytes: 3 << 20, seed: 22)
            let process = try await client.start(b, pair.idB, into: transfer.file)
            try await transfer.send(1 << 20)
            try await transfer.allIsReceived()

            // Not awake when the rest comes, so that the crash is in the middle of its long-poll.
            process.send(signal: SIGSTOP)
            try await transfer.sendRest()
            try await transfer.finish(pair)
            b.process.send(signal: SIGKILL)
            #expect(try await b.process.wait() == .signal(SIGKILL))
            process.send(signal: SIGCONT)
            try await eventually("it has noticed") { !process.errorText.isEmpty }

            let later = try await restart(spool, keyFile: key, port: b.httpPort)
            let exit = try await process.wait(within: .seconds(120))
            #expect(exit == .status(0), "\(process.errorText)")
            #expect(transfer.received == transfer.payload)
            try await a.stop()
            try await later.stop()
        }

        /// The port was given back, and somebody may have it for a moment.
        private func restart(
            _ arguments: [String], keyFile: String, port: UInt16
        ) async throws -> GatewayProcess {
            var gateway: GatewayProcess?
            try await eventually("a gateway on the port of the last one") {
                gateway = try? await GatewayProcess(
                    arguments, http: "127.0.0.1:\(port)", keyFile: keyFile)
                return gateway != nil
            }
            return try #require(gateway)
        }

        @Test("A stream that is cut off is an error that says so", arguments: ExampleClient.allCases)
        func cutOff(client: ExampleClient) async throws {
            let pair = try await Pair()
            let transfer = try ExampleTransfer(pair, bytes: 100_000, seed: 23)
            let process = try await client.start(pair.b, pair.idB, into: transfer.file)
            try await transfer.sendRest()
            try await transfer.allIsReceived()
            _ = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)?abort=true")
            let exit = try await process.wait(within: .seconds(120))
            #expect(exit == .status(1))
            #expect(process.errorText.contains("reset"), "\(process.errorText)")
            #expect(transfer.received == transfer.payload)
            try await pair.stop()
        }
    }
}
