/// What a series of runs comes to.
struct Figures {
    private let sorted: [Double]

    init(_ values: [Double]) {
        sorted = values.sorted()
    }

    var median: Double { quantile(0.5) }

    /// The value below which this share of them lies (nearest rank).
    func quantile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}

/// How evenly something is shared out: 1 when all have the same, 1/n when one has everything
/// (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, 1984).
func jainIndex(_ shares: [Double]) -> Double {
    let sum = shares.reduce(0, +), squares = shares.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / (Double(shares.count) * squares) : 0
}

/// With a fixed number of decimals.
func fixed(_ value: Double, _ decimals: Int = 1) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    guard decimals > 0 else { return "\(scaled)" }
    let fraction = String(abs(scaled) % Int64(scale))
    let padding = String(repeating: "0", count: decimals - fraction.count)
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int64(scale)).\(padding)\(fraction)"
}

/// With as many decimals as make `digits` significant ones, at most nine, without zeros at the
/// end; whole numbers are given in full.
func significant(_ value: Double, _ digits: Int) -> String {
    var decimals = digits - 1, magnitude = abs(value)
    while magnitude >= 10, decimals > 0 {
        magnitude /= 10
        decimals -= 1
    }
    while magnitude > 0, magnitude < 1, decimals < 9 {
        magnitude *= 10
        decimals += 1
    }
    let text = fixed(value, decimals)
    guard decimals > 0 else { return text }
    let trimmed = String(text.reversed().drop { $0 == "0" }.reversed())
    return trimmed.hasSuffix(".") ? String(trimmed.dropLast()) : trimmed
}

/// To the right of a column.
func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// To the left of a column.
func filled(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
