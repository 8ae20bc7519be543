/// One result: what was measured, the limit it is to be read against, and what it should reach.
struct BenchmarkCase: Sendable, Equatable {
    /// What the value cannot exceed, or what it is compared with: measured in the same run, or
    /// computed from the conditions. In the unit of the value.
    struct Limit: Sendable, Equatable {
        let value: Double
        let name: String
    }

    /// About the ratio of value and limit; about the value where there is no limit.
    enum Target: Sendable, Equatable {
        case atLeast(Double)
        case atMost(Double)
    }

    enum Unit: String, Sendable {
        case megabytesPerSecond = "MB/s"
        case megabitsPerSecond = "Mbit/s"
        case microseconds = "µs"
        case seconds = "s"
        case nanosecondsPerPacket = "ns/packet"
        case bytes = "B"
        case perSecond = "1/s"
        case percentOfACore = "% of a core"
        case allocationsPerPacket = "allocations/packet"
        /// A number without a dimension, such as Jain's index.
        case none = "1"
    }

    let benchmark: String
    let name: String
    let value: Double
    let unit: Unit
    var limit: Limit?
    var target: Target?

    /// `nil` without a limit.
    var ratio: Double? {
        guard let limit, limit.value != 0 else { return nil }
        return value / limit.value
    }

    /// `nil` without a target.
    var isReached: Bool? {
        let reached = ratio ?? value
        return switch target {
        case .atLeast(let least): reached >= least
        case .atMost(let most): reached <= most
        case nil: nil
        }
    }
}

extension BenchmarkCase {
    /// One line for machines. Absent figures are `null`.
    var json: String {
        let members: [(String, String)] = [
            ("benchmark", Self.quoted(benchmark)),
            ("case", Self.quoted(name)),
            ("value", Self.number(value)),
            ("unit", Self.quoted(unit.rawValue)),
            ("limit", Self.number(limit?.value)),
            ("limit_name", limit.map { Self.quoted($0.name) } ?? "null"),
            ("ratio", Self.number(ratio)),
            ("target", target.map { Self.quoted($0.text) } ?? "null"),
            ("reached", isReached.map { $0 ? "true" : "false" } ?? "null"),
        ]
        return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "null" }
        return significant(value, 6)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// One line for people, under ``heading(_:)``.
    var row: String {
        let figure = significant(value, 4) + (unit == .none ? "" : " " + unit.rawValue)
        let bound = limit.map { "\(significant($0.value, 4)) \($0.name)" } ?? ""
        let mark = isReached.map { $0 ? "reached" : "missed" } ?? ""
        return Self.columns(
            name, figure, bound, ratio.map { fixed($0, 3) } ?? "", target?.text ?? "", mark)
    }

    static func heading(_ benchmark: String) -> String {
        columns(benchmark, "value", "limit", "ratio", "target", "")
    }

    private static func columns(
        _ name: String, _ value: String, _ limit: String, _ ratio: String, _ target: String,
        _ mark: String
    ) -> String {
        let line = [
            filled(name, 44), padded(value, 24), filled("  " + limit, 38), padded(ratio, 7),
            padded(target, 8), mark,
        ].joined(separator: " ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

extension BenchmarkCase.Target {
    /// Such as `≥ 0.9`.
    var text: String {
        switch self {
        case .atLeast(let least): "≥ " + significant(least, 3)
        case .atMost(let most): "≤ " + significant(most, 3)
        }
    }
}
