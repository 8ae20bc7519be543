import ArgumentParser

/// Durations as people write them: `500ms`, `30s`, `2m`, `1h`; and `0`.
struct Time: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    var description: String { "\(Int64(duration / .milliseconds(1)))ms" }

    init?(argument: String) {
        let units: [(suffix: String, milliseconds: Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
        ]
        if argument == "0" {
            duration = .zero
            return
        }
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let suffix = argument.dropFirst(digits.count)
        guard let unit = units.first(where: { $0.suffix == suffix }), let count = Int64(digits),
            // A hundred years are for ever, and far from overflow.
            count <= 100 * 365 * 86_400_000 / unit.milliseconds
        else { return nil }
        duration = .milliseconds(count * unit.milliseconds)
    }
}
