import Glibc

/// What is being measured, in one line that the next one replaces. For people: it is written to
/// standard error, and only where that is a terminal.
struct Progress: Sendable {
    private let isShown: Bool

    init() {
        isShown = isatty(STDERR_FILENO) == 1
    }

    func show(_ text: String) {
        if isShown { write("\r\u{1b}[K" + text) }
    }

    /// Makes room for a line of results.
    func clear() {
        if isShown { write("\r\u{1b}[K") }
    }

    private func write(_ text: String) {
        var text = text
        // A terminal that is gone, or full, misses nothing that counts.
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
