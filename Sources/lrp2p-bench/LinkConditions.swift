import ArgumentParser
import LRP2P

/// What a link does to datagrams; the same in both directions.
struct LinkConditions: Sendable {
    /// Shares of datagrams, 0 … 1.
    var loss = 0.0
    var duplication = 0.0
    /// Share that is held back by ``reorderDelay`` beyond the others.
    var reordering = 0.0
    var reorderDelay = Interval.milliseconds(10)
    var delay = Interval.zero
    /// The delay varies uniformly by up to this in both directions; so it reorders, too.
    var jitter = Interval.zero
    /// `nil` for no limit.
    var bytesPerSecond: Double?
    /// What may wait for its turn when there is such a limit.
    var queueBytes = 256 * 1024
}

/// `5%` or `0.05`.
struct Share: ExpressibleByArgument {
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
    var defaultValueDescription: String { "\(fixed(value * 100, 0))%" }
}

/// `20ms`, `1.5s`, `300us`.
struct Span: ExpressibleByArgument {
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
        interval = Interval(nanoseconds: Int64(number * unit.nanoseconds))
    }

    init(_ interval: Interval) { self.interval = interval }
    var defaultValueDescription: String { "\(interval.nanoseconds / 1_000_000)ms" }
}

/// Bits per second: `10mbit`, `1gbit`, `500kbit`.
struct BitRate: ExpressibleByArgument {
    let bytesPerSecond: Double

    init?(argument: String) {
        let units: [(suffix: String, bits: Double)] = [
            ("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)), number.isFinite,
            number * unit.bits >= 8
        else { return nil }
        bytesPerSecond = number * unit.bits / 8
    }
}
