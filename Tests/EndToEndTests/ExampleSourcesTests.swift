import Foundation
import ProcessSupport
import Testing

extension EndToEnd {
    /// The clients that people are told to copy, as texts.
    @Suite struct ExampleSourcesTests {
        @Test("About thirty lines that say something", arguments: ExampleClient.allCases)
        func length(client: ExampleClient) throws {
            let text = try String(contentsOfFile: client.source, encoding: .utf8)
            let lines = text.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 100 })
            let code = lines.filter { !$0.contains(/^\s*(#|\/\/|[^a-z]*$)/) }
            // Go says more in lines of its own.
            #expect(code.count <= (client == .go ? 60 : 45))
        }

        @Test("What its language's own checks say", arguments: [
            ["bash", "-n", ExampleClient.shell.source],
            ["shellcheck", ExampleClient.shell.source],
            ["python3", "-W", "error", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())",
                ExampleClient.python.source],
            ["node", "--check", ExampleClient.javaScript.source],
            ["go", "vet", ExampleClient.go.source],
            ["gofmt", "-l", ExampleClient.go.source],
        ])
        func checks(command: [String]) async throws {
            let check = try ChildProcess(
                command[0], Array(command.dropFirst()), environment: ExampleClient.goEnvironment)
            let exit = try await check.wait(within: .seconds(300))
            #expect(exit == .status(0), "\(check.errorText)")
            #expect(check.outputText == "")
        }
    }
}
