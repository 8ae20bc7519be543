import Glibc

/// One line on a terminal that is written again and again; nothing elsewhere.
final class ProgressLine {
    private static let interval: Duration = .milliseconds(200)

    let isShown: Bool
    private var shownAt: ContinuousClock.Instant?

    init(_ options: GlobalOptions) {
        isShown = !options.quiet && !options.json && isatty(STDERR_FILENO) != 0
    }

    /// Not more often than an eye follows.
    func show(_ text: () -> String) {
        guard isShown else { return }
        let now = ContinuousClock.now
        if let shownAt, now - shownAt < Self.interval { return }
        shownAt = now
        write("\r\(clipped(text()))\u{1b}[K")
    }

    /// Makes room for other lines.
    func clear() {
        guard isShown, shownAt != nil else { return }
        shownAt = nil
        write("\r\u{1b}[K")
    }

    deinit { clear() }

    /// A line that wraps could not be written over.
    private func clipped(_ text: String) -> String {
        guard let columns = Screen.size(STDERR_FILENO)?.columns, columns > 1 else { return text }
        return String(text.prefix(columns - 1))
    }

    private func write(_ text: String) { Standard.show(text) }
}

/// How far a transfer is, in words.
struct TransferProgress {
    private static let window: Duration = .seconds(5)

    let verb: String
    /// `nil` when nobody knows.
    let total: UInt64?
    private(set) var done: UInt64 = 0
    var acknowledged: UInt64?
    /// What is waited for.
    var note: String?
    /// Some moments of the last seconds, for the rate.
    private var samples: [(at: ContinuousClock.Instant, done: UInt64)] = []

    init(_ verb: String, total: UInt64? = nil) {
        (self.verb, self.total) = (verb, total)
    }

    mutating func advance(to done: UInt64, now: ContinuousClock.Instant = .now) {
        self.done = done
        // Enough for a rate that does not jump.
        if let last = samples.last, samples.count > 1, now - last.at < .milliseconds(100) { return }
        samples.append((now, done))
        samples.removeAll { now - $0.at > Self.window }
    }

    var bytesPerSecond: Double {
        guard let first = samples.first, let last = samples.last, last.at > first.at,
            last.done >= first.done
        else { return 0 }
        return Double(last.done - first.done) / ((last.at - first.at) / .seconds(1))
    }

    var text: String {
        var parts = ["\(verb) \(Quantity.bytes(done))"]
        let rate = bytesPerSecond
        if let total, total > 0 {
            parts[0] += " of \(Quantity.bytes(total))"
            parts.append("\(min(100, Int(Double(done) * 100 / Double(total)))) %")
        }
        parts.append(Quantity.rate(rate))
        if let total, total > done, rate > 0 {
            parts.append("\(Quantity.clock(Double(total - done) / rate)) left")
        }
        if let acknowledged { parts.append("acknowledged \(Quantity.bytes(acknowledged))") }
        if let note { parts.append(note) }
        return parts.joined(separator: "  ")
    }
}
