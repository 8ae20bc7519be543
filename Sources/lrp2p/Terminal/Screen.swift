import Glibc

enum Screen {
    /// `nil` when it is no terminal, or does not say.
    static func size(_ descriptor: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
        else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// The other screen of the terminal, without a cursor; and back to how it was.
    static let enter = "\u{1b}[?1049h\u{1b}[?25l"
    static let leave = "\u{1b}[?25h\u{1b}[?1049l"

    /// Writes lines over what was there, as many as fit.
    static func frame(_ lines: [String], columns: Int, rows: Int) -> String {
        let shown = lines.prefix(rows).map { "\($0.prefix(columns))\u{1b}[K" }
        return "\u{1b}[H" + shown.joined(separator: "\r\n") + "\u{1b}[J"
    }
}

/// The signals that end a display, and the one that tells of another size of the terminal. They are
/// blocked and asked for, so that nothing ever runs in a signal handler.
struct DisplaySignals {
    private static let ending = [SIGINT, SIGTERM, SIGHUP]
    private var awaited = sigset_t()

    init() {
        sigemptyset(&awaited)
        for signal in Self.ending + [SIGWINCH] { sigaddset(&awaited, signal) }
        sigprocmask(SIG_BLOCK, &awaited, nil)
    }

    /// Whether one of those that end has come and not been taken.
    static var isEndPending: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return ending.contains { sigismember(&pending, $0) == 1 }
    }

    /// Waits for so long.
    ///
    /// - Returns: whether to go on: no signal that ends the display has come.
    func wait(_ duration: Duration, onResize: () -> Void) -> Bool {
        let deadline = ContinuousClock.now + duration
        var awaited = awaited
        while true {
            let left = max(.zero, deadline - .now).components
            var timeout = timespec(
                tv_sec: Int(left.seconds), tv_nsec: Int(left.attoseconds / 1_000_000_000))
            switch sigtimedwait(&awaited, nil, &timeout) {
            case SIGWINCH: onResize()
            case let signal where signal > 0: return false
            case _ where errno == EINTR: continue
            default: return true
            }
        }
    }
}
