import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    /// What the documents tell the reader to type does what they say.
    @Suite struct ReadmeTests {
        @Test("The tour of README.md, word for word")
        func tour() async throws {
            let readme = try String(
                contentsOf: Products.repository.appending(path: "README.md"), encoding: .utf8)
            // Blocks of the tour are marked "sh tour".
            let blocks = readme.matches(of: /(?s)```sh tour\n(.*?)```/).map { String($0.1) }
            try #require(blocks.count >= 5)
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            let directory = try TemporaryDirectory()
            let script = ["set -euo pipefail", "cd '\(directory.url.path)'"] + blocks
            let shell = try ChildProcess(
                "bash", ["-c", script.joined(separator: "\n")],
                environment: [
                    "A": a.base, "B": b.base, "PATH": "\(Products.directory):\(Self.path)",
                ])
            let exit = try await shell.wait()
            #expect(exit == .status(0), "\(shell.errorText)\n\(shell.outputText)")
            // Every line the README shows as an answer, below the commands, was there.
            let answers = readme.matches(of: /(?s)```text tour\n(.*?)```/).flatMap {
                $0.1.split(separator: "\n")
            }
            try #require(!answers.isEmpty)
            for answer in answers {
                #expect(shell.outputText.contains(answer), "\(answer)\n\(shell.outputText)")
            }
            try await a.stop()
            try await b.stop()
        }

        private static let path = ProcessInfo.processInfo.environment["PATH"] ?? ""

        @Test("No curl line of README.md is left out of the tour")
        func wholeTour() throws {
            let readme = try String(
                contentsOf: Products.repository.appending(path: "README.md"), encoding: .utf8)
            var left: [Substring] = []
            for block in readme.matches(of: /(?ms)^```([^\n]*)\n(.*?)^```$/)
            where block.1 != "sh tour" {
                left += block.2.split(separator: "\n").filter { $0.contains(/\bcurl\s/) }
            }
            #expect(left == [])
            #expect(readme.contains(/(?m)^```sh tour\n/))
        }

        @Test("The demo carries its file and ends")
        func demo() async throws {
            let demo = try ChildProcess(
                Products.repository.appending(path: ".ci/demo").path, ["--once"],
                environment: ["LRP2P_PRODUCTS": Products.directory])
            let exit = try await demo.wait(within: .seconds(240))
            #expect(exit == .status(0), "\(demo.errorText)\n\(demo.outputText)")
            #expect(demo.outputText.contains("bytes are equal"))
        }

        @Test("The demo stays until Ctrl-C, and takes its gateways with it")
        func demoUntilInterrupted() async throws {
            let demo = try ChildProcess(
                Products.repository.appending(path: ".ci/demo").path,
                environment: ["LRP2P_PRODUCTS": Products.directory])
            var bases: [String] = []
            while bases.count < 2 {
                let line = try await demo.nextLine(within: .seconds(240))
                if let match = line.wholeMatch(of: /[AB]=(http:.*)/) { bases.append("\(match.1)") }
            }
            for base in bases {
                #expect(try await Curl.run("\(base)/healthz").status == 200)
            }
            demo.send(signal: 2)
            #expect(try await demo.wait() == .status(0))
            for base in bases {
                let gone = try ChildProcess("curl", ["-sS", "\(base)/healthz"])
                // 7: could not connect.
                #expect(try await gone.wait() == .status(7))
            }
        }
    }
}
