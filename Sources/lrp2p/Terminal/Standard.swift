import Glibc

/// Standard output and error, for text.
enum Standard {
    /// A line. There is no use in going on when it cannot be written.
    static func print(_ text: String) { write(text + "\n") }

    static func write(_ text: String) {
        let number = writeAll(Array(text.utf8), to: STDOUT_FILENO).errno
        guard number != 0 else { return }
        complain("lrp2p: cannot write standard output: \(SystemError.text(number))")
        exit(ExitStatus.output.rawValue)
    }

    static func complain(_ line: String) { show(line + "\n") }

    /// On standard error, where nobody may be.
    static func show(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }
}
