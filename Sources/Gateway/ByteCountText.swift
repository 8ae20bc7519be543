/// Byte counts as people write them: `65536`, `64KiB`, `2MiB`, `1GiB`.
public enum ByteCountText {
    /// Said wherever a byte count is refused.
    public static let allowed = "a whole number of bytes, or one with KiB, MiB or GiB, such as 2MiB"

    /// The number of bytes, or `nil` when the text is not one or does not fit an `Int`.
    public static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits) else { return nil }
        let unit: Int
        switch text.dropFirst(digits.count) {
        case "": unit = 1
        case "KiB": unit = 1 << 10
        case "MiB": unit = 1 << 20
        case "GiB": unit = 1 << 30
        default: return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow ? nil : bytes
    }

    /// The shortest text that `parse` reads back as this count.
    public static func format(_ bytes: Int) -> String {
        for (name, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(name)"
        }
        return "\(bytes)"
    }
}
