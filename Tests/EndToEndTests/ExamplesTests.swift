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
            let transfer = try ExampleTransfer(from: pair.a, pair.idA, bytes: Scale.kills << 19)
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
                client.process.send(signal: SIGKILL)
                let exit = try await client.exit()
                try #require(exit == .signal(SIGKILL), "\(client.outputText)")

                // Whatever was acknowledged is there, and nothing wrong.
                let received = transfer.received
                #expect(received == transfer.payload.prefix(received.count), "round \(round)")
                #expect(received.count <= transfer.sent)
                #expect(try await acknowledged(pair) <= received.count, "round \(round)")
            }
            let last = try await clients[0].start(pair.b, pair.idB, into: transfer.file)
            try await transfer.sendRest()
            try await transfer.finish()
            let exit = try await last.exit()
            #expect(exit == .status(0), "\(last.outputText)")
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
            let transfer = try ExampleTransfer(from: pair.a, pair.idA, bytes: 1 << 20)
            let receiver = try await client.start(b, pair.idB, into: transfer.file)
            // The last of it fits into the smallest buffers: nobody will read it for now.
            try await transfer.send(transfer.payload.count - 50_000)
            try await eventually("all but that is acknowledged") {
                try await acknowledged(pair) == transfer.sent
            }

            // Not awake when the rest comes, so that the crash is in the middle of its long-poll.
            receiver.process.send(signal: SIGSTOP)
            try await transfer.sendRest()
            try await transfer.finish()
            #expect(try await b.connection(pair.idB).receive.finished)
            b.process.send(signal: SIGKILL)
            #expect(try await b.process.wait() == .signal(SIGKILL))
            receiver.process.send(signal: SIGCONT)
            try await eventually("it has noticed") { !receiver.outputText.isEmpty }

            let later = try await restart(spool, keyFile: key, port: b.httpPort)
            let exit = try await receiver.exit()
            #expect(exit == .status(0), "\(receiver.outputText)")
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

        @Test("A stream that is cut off is an error that says so",
            arguments: ExampleClient.allCases)
        func cutOff(client: ExampleClient) async throws {
            let pair = try await Pair()
            let transfer = try ExampleTransfer(from: pair.a, pair.idA, bytes: 100_000)
            let receiver = try await client.start(pair.b, pair.idB, into: transfer.file)
            try await transfer.sendRest()
            try await transfer.allIsReceived()
            _ = try await pair.a.request("DELETE", "/v1/connections/\(pair.idA)?abort=true")
            let exit = try await receiver.exit()
            #expect(exit == .status(1))
            #expect(receiver.outputText.contains("reset"), "\(receiver.outputText)")
            #expect(transfer.received == transfer.payload)
            try await pair.stop()
        }

        @Test("Requests beyond the rate are made later", arguments: ExampleClient.allCases)
        func rateLimited(client: ExampleClient) async throws {
            let tokens = try Tokens()
            let a = try await GatewayProcess()
            let b = try await GatewayProcess(tokens.arguments + ["--request-rate", "1"])
            let idA = try await a.connect(to: b.udp).id
            let answer = try await b.request(
                "GET", "/v1/accept?wait=60s", headers: ["Authorization": "Bearer \(tokens.other)"])
            let idB = try answer.decode(ConnectionDocument.self).id
            let transfer = try ExampleTransfer(from: a, idA, bytes: 3000)
            let receiver = try await client.start(b, idB, into: transfer.file, token: tokens.reader)
            while transfer.sent < transfer.payload.count {
                try await transfer.send(1000)
                try await transfer.allIsReceived()
            }
            try await transfer.finish()
            let exit = try await receiver.exit()
            #expect(exit == .status(0), "\(receiver.outputText)")
            #expect(receiver.outputText.contains("rate_limited"), "\(receiver.outputText)")
            #expect(transfer.received == transfer.payload)
            try await a.stop()
            try await b.stop()
        }

        @Test("What cannot get better is told, and ends it", arguments: ExampleClient.allCases)
        func refused(client: ExampleClient) async throws {
            let tokens = try Tokens()
            let gateway = try await GatewayProcess(tokens.arguments)
            let directory = try TemporaryDirectory()
            let cases = [
                (token: nil, code: "token_required"), ("not-one-of-them", "invalid_token"),
                (tokens.reader, "unknown_connection"),
            ]
            for (token, code) in cases {
                let receiver = try await client.start(
                    gateway, "nothing", into: directory.path(code), token: token)
                #expect(try await receiver.exit() == .status(1))
                let problem = try #require(receiver.outputText.firstRange(of: "{"))
                let text = receiver.outputText[problem.lowerBound...]
                let document = try JSONDecoder().decode(ProblemDocument.self, from: Data(text.utf8))
                #expect(document.code == code)
            }
            try await gateway.stop()
        }

        /// A token file.
        private struct Tokens {
            let reader = "a-token-of-a-reader"
            let other = "a-token-for-all-else"
            let arguments: [String]
            private let directory: TemporaryDirectory

            init() throws {
                directory = try TemporaryDirectory()
                let lines = "reader read \(reader)\nother read,write \(other)\n"
                arguments = [
                    "--token-file",
                    try directory.file("tokens", content: Data(lines.utf8), permissions: 0o600),
                ]
            }
        }

        @Test("A file that lacks what was acknowledged is not filled with holes",
            arguments: ExampleClient.allCases)
        func wrongFile(client: ExampleClient) async throws {
            let pair = try await Pair()
            let transfer = try ExampleTransfer(from: pair.a, pair.idA, bytes: 2000)
            try await transfer.send(1000)
            let taken = try await pair.b.request("GET", "\(pair.dataB)?wait=60s&auto_ack=true")
            #expect(taken.status == 200)
            try await transfer.sendRest()
            let receiver = try await client.start(pair.b, pair.idB, into: transfer.file)
            #expect(try await receiver.exit() == .status(1))
            #expect(receiver.outputText.contains("lacks"), "\(receiver.outputText)")
            #expect(transfer.received.isEmpty)
            try await pair.stop()
        }

        @Test("In a page of the gateway's origin, the module gives every byte once")
        func browser() async throws {
            let pair = try await Pair()
            let transfer = try ExampleTransfer(from: pair.a, pair.idA, bytes: 300_000)
            let module = try String(
                contentsOfFile: ExampleClient.javaScript.source, encoding: .utf8)
            let received = try await WebDriver.run { driver in
                // Any answer of the gateway is a page of its origin.
                try await driver.open("\(pair.b.base)/healthz")
                async let received = driver.evaluate(
                    """
                    const [source, url] = args;
                    const blob = new Blob([source], { type: "text/javascript" });
                    const { receive } = await import(URL.createObjectURL(blob));
                    let text = "";
                    for await (const { position, body } of receive(url)) {
                        if (position !== text.length / 2) throw new Error(`at ${position}`);
                        for (const byte of body) text += byte.toString(16).padStart(2, "0");
                    }
                    return text;
                    """, [module, "/v1/connections/\(pair.idB)"])
                try await transfer.send(100_000)
                try await transfer.sendRest()
                try await transfer.finish()
                return try await received
            }
            #expect(Data(Hex(received).bytes) == transfer.payload)
            try await pair.stop()
        }
    }
}
