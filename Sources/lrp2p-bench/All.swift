import ArgumentParser
import Glibc

/// All benchmarks, one after the other.
struct All: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs all benchmarks, each in a process of its own.",
        discussion: "A process of its own, so that none finds the memory another has left behind.")

    @OptionGroup var options: RunOptions

    func run() async throws {
        var arguments = ["--runs", "\(options.runs)", "--seconds", "\(options.seconds)"]
        if options.json { arguments.append("--json") }
        var hasFailed = false
        for (index, benchmark) in Self.benchmarks.enumerated() {
            if index > 0, !options.json { print("") }
            fflush(nil)
            let child = try PeerProcess.spawn(
                [benchmark._commandName] + arguments, input: STDIN_FILENO, output: STDOUT_FILENO
            ).get()
            var status: Int32 = 0
            waitpid(child, &status, 0)
            hasFailed = hasFailed || status != 0
        }
        if hasFailed { throw ExitCode.failure }
    }

    static let benchmarks: [any AsyncParsableCommand.Type] = [
        Throughput.self, Latency.self, Connections.self, Handshakes.self, Links.self,
        HTTP.self, Flood.self,
    ]
}
