/// Durations as people write them: a whole number and a unit, `500ms`, `30s`, `2m`, `1h`; and `0`.
public enum DurationText {
    /// Said wherever a duration is refused.
    public static let allowed = "a whole number with a unit, such as 500ms, 30s, 2m or 1h, or 0"

    /// The duration, or `nil` when the text is not one, negative ones and ones beyond a hundred
    /// years included: no timer here means that, and sums with the clock must not overflow.
    public static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), let unit = units[String(text.dropFirst(digits.count))]
        else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow, milliseconds <= 100 * 365 * 86_400_000 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// The shortest text that `parse` reads back as this duration, in whole milliseconds.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 { return "0" }
        for (name, unit) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds % unit == 0 {
            return "\(milliseconds / unit)\(name)"
        }
        return "\(milliseconds)ms"
    }

    private static let units: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
}

extension Duration {
    /// The same length in seconds, for JSON and metrics.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
