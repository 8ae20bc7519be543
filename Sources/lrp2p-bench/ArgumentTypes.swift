import ArgumentParser
import LRP2P

/// `5%` or `0.05`.
struct Share: ExpressibleByArgument, CustomStringConvertible {
    let value: Double

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        guard let number = Double(isPercent ? String(argument.dropLast()) : argument) else {
            return nil
        }
        value = isPercent ? number / 100 : number
        guard (0...1).contains(value) else { return nil }
    }

    static let none = Share(value: 0)
    private init(value: Double) { self.value = value }
    /// In a form that gives exactly this value again.
    var description: String { "\(value)" }
    var defaultValueDescription: String { "\(fixed(value * 100, 0))%" }
}

/// `20ms`, `1.5s`, `300us`.
struct Span: ExpressibleByArgument, CustomStringConvertible {
    let interval: Interval

    init?(argument: String) {
        let units: [(suffix: String, nanoseconds: Double)] = [
            ("us", 1e3), ("ms", 1e6), ("s", 1e9),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)),
            // An hour is beyond any link, and far from overflow.
            (0...3.6e12).contains(number * unit.nanoseconds)
        else { return nil }
        interval = Interval(nanoseconds: Int64((number * unit.nanoseconds).rounded()))
    }

    init(_ interval: Interval) { self.interval = interval }
    /// In a form that gives exactly this length again.
    var description: String {
        let (milliseconds, rest) = interval.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return rest == 0 ? "\(milliseconds)ms" : "\(Double(interval.nanoseconds) / 1e3)us"
    }
}

/// Bits per second: `10mbit`, `1gbit`, `500kbit`.
struct BitRate: ExpressibleByArgument, CustomStringConvertible {
    let bytesPerSecond: Int

    init?(argument: String) {
        let units: [(suffix: String, bits: Double)] = [
            ("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)),
            // A terabit is beyond any link, and far from overflow.
            (8...1e12).contains(number * unit.bits)
        else { return nil }
        bytesPerSecond = Int(number * unit.bits / 8)
    }

    /// In a form that gives exactly this rate again.
    var description: String { "\(bytesPerSecond * 8)bit" }
}
