/// What a soak comes to.
struct SoakReport {
    private var stocks: [SoakField.Stock] = []

    /// Shares of the beginning that do not count: caches and pools fill up.
    private static let warmUpShare = 1.0 / 3
    /// By how much memory may have grown, along its trend, over the time that counts: the
    /// allocator's fragments come and go.
    private static let toleratedShare = 0.05
    private static let toleratedBytes = 2e6

    mutating func add(_ stock: SoakField.Stock) { stocks.append(stock) }

    static let heading = columns(
        "minute", "transfers", "MB", "interrupted", "cut off", "restarts", "failures",
        "A: MB, files", "B: MB, files")

    /// Of the latest minute.
    var line: String {
        guard let stock = stocks.last else { return "" }
        let nodes = zip(stock.residentBytes, stock.openFiles).map {
            "\(fixed($0 / 1e6)), \($1)"
        }
        let tally = stock.tally
        return Self.columns(
            "\(stock.minute)", "\(tally.transfers)", fixed(Double(tally.bytes) / 1e6, 0),
            "\(tally.interrupted)", "\(tally.clientsCutOff)", "\(tally.restarts)",
            "\(tally.failures.count)", nodes[0], nodes[1])
    }

    private static func columns(_ texts: String...) -> String {
        zip(texts, [6, 10, 8, 12, 8, 9, 9, 15, 15]).map { padded($0, $1) }.joined(separator: " ")
    }

    private var failures: [String] { stocks.flatMap(\.tally.failures) }

    var isGood: Bool {
        failures.isEmpty && ["A", "B"].indices.allSatisfy { isFlat(node: $0) && hasClosed($0) }
    }

    var verdict: [String] {
        var lines = failures.map { "FAILED: \($0)" }
        for (node, name) in ["A", "B"].enumerated() {
            let growth = growth(of: node)
            lines.append(
                "\(name): memory \(isFlat(node: node) ? "flat" : "GROWING"), trend "
                    + "\(fixed(growth.bytes / 1e6, 2)) MB in \(growth.minutes) minutes, allowed "
                    + "\(fixed(growth.allowed / 1e6, 2)) MB; open files "
                    + "\(hasClosed(node) ? "flat" : "GROWING")")
        }
        lines.append(isGood ? "PASSED" : "NOT PASSED")
        return lines
    }

    private struct Growth {
        let bytes: Double
        let minutes: Int
        let allowed: Double
    }

    private var counted: ArraySlice<SoakField.Stock> {
        stocks[Int(Double(stocks.count) * Self.warmUpShare)...]
    }

    private func growth(of node: Int) -> Growth {
        let points = counted.map { (Double($0.minute), $0.residentBytes[node]) }
        let minutes = max(0, points.count - 1)
        let first = points.first?.1 ?? 0
        return Growth(
            bytes: medianSlope(points) * Double(minutes), minutes: minutes,
            allowed: first * Self.toleratedShare + Self.toleratedBytes)
    }

    private func isFlat(node: Int) -> Bool {
        let growth = growth(of: node)
        return growth.bytes <= growth.allowed
    }

    /// At rest, the last files are the same as the first.
    private func hasClosed(_ node: Int) -> Bool {
        guard let first = stocks.first, let last = stocks.last else { return true }
        return last.openFiles[node] <= first.openFiles[node]
    }
}

/// The slope of a line through points, which single outliers do not move: the median of the slopes
/// of all pairs (Theil 1950, Sen 1968).
func medianSlope(_ points: [(x: Double, y: Double)]) -> Double {
    var slopes: [Double] = []
    for (index, first) in points.enumerated() {
        for second in points[(index + 1)...] where second.x != first.x {
            slopes.append((second.y - first.y) / (second.x - first.x))
        }
    }
    return Figures(slopes).median
}
