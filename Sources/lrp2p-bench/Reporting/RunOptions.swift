import ArgumentParser

/// The options of all measurements.
struct RunOptions: ParsableArguments {
    @Option(help: "Seconds per run.")
    var seconds = 2.0

    @Option(help: "Runs, of which the median counts.")
    var runs = 5

    @Flag(help: "Print one JSON object per case instead of a table.")
    var json = false

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds: 0 … 3600") }
        guard (1...1000).contains(runs) else { throw ValidationError("--runs: 1 … 1000") }
    }
}
