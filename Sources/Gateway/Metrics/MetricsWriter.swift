import LRP2P

/// Writes metrics as text. The formats differ in what they call a family, in the units they tell,
/// and in how a whole number looks where a fraction could be.
struct MetricsWriter {
    enum Kind: String {
        case counter, gauge, histogram
        /// A gauge that is always 1 and speaks by its labels; its name ends in `_info`.
        case info
    }

    typealias Labels = [(name: String, value: String)]

    let format: MetricsFormat
    private var written = ""

    init(_ format: MetricsFormat) {
        self.format = format
    }

    /// All that was written, with the end that the format asks for.
    var text: String {
        switch format {
        case .prometheus: written
        case .openMetrics: written + "# EOF\n"
        }
    }

    /// Begins a family. Its samples have to follow before the next family.
    ///
    /// - Parameter name: as that of its samples, with `_total` or `_info`.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        switch format {
        case .prometheus:
            written += "# HELP \(name) \(Self.escape(help, quotes: false))\n"
            written += "# TYPE \(name) \(kind == .info ? Kind.gauge.rawValue : kind.rawValue)\n"
        case .openMetrics:
            let name = Self.familyName(name, kind)
            written += "# TYPE \(name) \(kind.rawValue)\n"
            if let unit = Self.units.first(where: { name.hasSuffix("_" + $0) }) {
                written += "# UNIT \(name) \(unit)\n"
            }
            written += "# HELP \(name) \(Self.escape(help, quotes: true))\n"
        }
    }

    /// OpenMetrics names a family without what its kind adds to the names of its samples.
    private static func familyName(_ name: String, _ kind: Kind) -> String {
        switch kind {
        case .counter: String(name.dropLast("_total".count))
        case .info: String(name.dropLast("_info".count))
        case .gauge, .histogram: name
        }
    }

    /// What the names of families end in that say one.
    private static let units = ["seconds", "bytes", "packets"]

    mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        sample(name, labels, text: number(value))
    }

    /// Whole numbers are written in full: a counter of bytes passes 2⁵³ unrounded.
    mutating func sample(_ name: String, _ labels: Labels, _ value: some BinaryInteger) {
        sample(name, labels, text: String(value))
    }

    mutating func histogram(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        var cumulative: UInt64 = 0
        let bounds = histogram.upperBoundsInSeconds.map(number) + ["+Inf"]
        for (bound, count) in zip(bounds, histogram.counts) {
            cumulative += count
            sample(name + "_bucket", labels + [("le", bound)], cumulative)
        }
        sample(name + "_sum", labels, histogram.sumInSeconds)
        sample(name + "_count", labels, cumulative)
    }

    private mutating func sample(_ name: String, _ labels: Labels, text value: String) {
        written += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escape($0.value, quotes: true))\"" }
            written += "{" + pairs.joined(separator: ",") + "}"
        }
        written += " \(value)\n"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// Bounds are label values, so one number must always be written in one way.
    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        guard value == value.rounded(), abs(value) < 1e15 else { return "\(value)" }
        switch format {
        // As everyone else writes bounds there.
        case .prometheus: return String(Int64(value))
        // The canonical form of OpenMetrics.
        case .openMetrics: return "\(Int64(value)).0"
        }
    }
}
