import Glibc
import LRP2P

/// One benchmark at work: repeats measurements, and prints their cases as they come.
struct Session: Sendable {
    let benchmark: String
    let options: RunOptions
    let progress = Progress()

    init(_ benchmark: String, _ options: RunOptions) {
        self.benchmark = benchmark
        self.options = options
        if !options.json { print(BenchmarkCase.heading(benchmark)) }
    }

    /// The length of one run.
    var span: Duration { .seconds(options.seconds) }

    /// Runs a measurement as often as asked for, and gives the median of each of its figures.
    ///
    /// A measurement and its yardstick belong into one `body`: what else the machine does changes
    /// from second to second.
    ///
    /// - Parameter body: returns the same number of figures each time.
    func medians(
        _ name: String, _ body: () async throws -> [Double]
    ) async throws -> [Double] {
        var runs: [[Double]] = []
        for run in 1...options.runs {
            progress.show("\(benchmark): \(name), run \(run) of \(options.runs)")
            runs.append(try await body())
        }
        return runs[0].indices.map { index in Figures(runs.map { $0[index] }).median }
    }

    func report(
        _ name: String, _ value: Double, _ unit: BenchmarkCase.Unit,
        limit: BenchmarkCase.Limit? = nil, target: BenchmarkCase.Target? = nil
    ) {
        let result = BenchmarkCase(
            benchmark: benchmark, name: name, value: value, unit: unit, limit: limit,
            target: target)
        progress.clear()
        print(options.json ? result.json : result.row)
        // Each as soon as it is known, in a pipe too.
        fflush(nil)
    }
}
