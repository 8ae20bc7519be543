import ArgumentParser
import Glibc

/// Runs the command that was typed, and tells its end in words and in the exit status.
@main
enum Main {
    static func main() {
        // Whoever reads the output may leave: then this ends as quietly as other tools do.
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try Tool.parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            complain(failure)
            exit(failure.status.rawValue)
        } catch {
            // Help, the version and completion scripts are errors to the parser, too.
            if Tool.exitCode(for: error).isSuccess { Tool.exit(withError: error) }
            let message = Tool.message(for: error)
            complain(Failure(.usage, "\(message); see lrp2p --help"))
            exit(ExitStatus.usage.rawValue)
        }
    }

    private static func complain(_ failure: Failure) {
        // Nothing has been parsed when the command line is wrong.
        let isJSON = CommandLine.arguments.contains("--json")
        Standard.complain(isJSON ? failure.json : "lrp2p: \(SafeText.of(failure.message))")
    }
}

struct Tool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lrp2p",
        abstract: "Sends and receives through an LRP2P gateway, from the terminal.",
        discussion: """
            NAME is a connection: its id, the name it was given, or the id of its peer or the \
            beginning of one (6 characters or more).

            The gateway is found at --gateway, LRP2P_GATEWAY or http://127.0.0.1:8080. A token is \
            taken from --token-file or LRP2P_TOKEN.
            """,
        version: ToolVersion.current,
        subcommands: [
            Connect.self, Send.self, Receive.self, Connections.self, Watch.self, Identity.self,
            Close.self,
        ])
}
