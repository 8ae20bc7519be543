/// Numbers for people.
enum Quantity {
    /// `999 B`, `1.0 KiB`, `12.3 MiB`.
    static func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = -1
        // What would be rounded up to 1024.0 is 1.0 of the next unit.
        while value >= 1023.95, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(fixed(value)) \(units[unit])"
    }

    static func rate(_ bytesPerSecond: Double) -> String {
        "\(bytes(UInt64(max(0, min(bytesPerSecond, 1e18)))))/s"
    }

    /// `0.21 ms`, `35.4 ms`, `1.2 s`.
    static func seconds(_ seconds: Double) -> String {
        switch seconds {
        case 1...: "\(fixed(seconds)) s"
        case 0.01...: "\(fixed(seconds * 1e3)) ms"
        default: "\(fixed(seconds * 1e3, digits: 2)) ms"
        }
    }

    /// `0:07`, `12:34`, `1:02:03`.
    static func clock(_ seconds: Double) -> String {
        let all = Int(max(0, min(seconds.rounded(), 359_999)))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (all / 3600, all / 60 % 60)
        return hours > 0
            ? "\(hours):\(two(minutes)):\(two(all % 60))" : "\(minutes):\(two(all % 60))"
    }

    private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    private static func fixed(_ value: Double, digits: Int = 1) -> String {
        let scale = digits == 1 ? 10 : 100
        let whole = Int((value * Double(scale)).rounded())
        let rest = "\(whole % scale)"
        return "\(whole / scale)." + String(repeating: "0", count: digits - rest.count) + rest
    }
}
