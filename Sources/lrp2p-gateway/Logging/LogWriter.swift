import CLinux
import Glibc
import LRP2P
import Synchronization
import Threads

/// Writes lines to a descriptor on a thread of its own, each with one system call.
///
/// Nobody who logs waits: a terminal or pipe whose reader has stopped blocks the thread, lines
/// collect up to a limit, and those beyond it are dropped. How many is told in a line of its own
/// once there is room again. What waits when the process crashes is lost with it.
final class LogWriter: Sendable {
    private struct State {
        var lines: [[UInt8]] = []
        /// Of `lines` and of those the thread has taken and not yet written.
        var bytes = 0
        var dropped = 0
        /// The thread has written all there is and waits for more.
        var isAsleep = false
    }

    /// Bytes of the lines that wait to be written; lines beyond it are dropped.
    static let maximumBytes = 1 << 20
    private static let lastLinesTime: Duration = .milliseconds(500)

    private let descriptor: Int32
    private let notice: @Sendable (_ dropped: Int) -> String
    private let state = Mutex(State())
    /// Event counters: there are lines; there are none any more.
    private let wake: Int32
    private let idle: Int32

    /// Runs until the end of the process.
    ///
    /// - Parameters:
    ///   - descriptor: stays open, and blocking: others may share it.
    ///   - notice: the line that says how many were dropped.
    init(
        to descriptor: Int32, notice: @escaping @Sendable (_ dropped: Int) -> String
    ) throws(StartFailure) {
        self.descriptor = descriptor
        self.notice = notice
        wake = clinux_eventfd_create()
        idle = clinux_eventfd_create()
        guard wake >= 0, idle >= 0 else { throw .thread(errno: max(-wake, -idle)) }
        let status = BackgroundThread.start(name: "lrp2p-log") { [self] in run() }
        guard status == 0 else { throw .thread(errno: status) }
    }

    /// Adds a line, without its end, or drops it. Does not wait; from any thread.
    func write(_ line: String) {
        var bytes = Array(line.utf8)
        bytes.append(0x0a)
        let wakes = state.withLock { state in
            if state.bytes + bytes.count <= Self.maximumBytes {
                state.lines.append(bytes)
                state.bytes += bytes.count
            } else {
                state.dropped += 1
            }
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { clinux_eventfd_signal(wake) }
    }

    /// Everything is written.
    var isIdle: Bool { state.withLock { $0.isAsleep } }

    /// Waits until everything is written, or nobody seems to read it: before the process ends.
    /// One caller at a time.
    func flushLast() {
        let deadline = ContinuousClock.now + Self.lastLinesTime
        while !isIdle {
            let left = (deadline - .now) / Duration.milliseconds(1)
            guard left > 0 else { return }
            Self.clear(idle, waitingAtMostMilliseconds: Int32(left.rounded(.up)))
        }
    }

    private func run() {
        while true {
            let (lines, dropped) = state.withLock { state in
                defer { (state.lines, state.dropped) = ([], 0) }
                state.isAsleep = state.lines.isEmpty && state.dropped == 0
                return (state.lines, state.dropped)
            }
            for line in lines {
                Self.writeAll(line, to: descriptor)
                state.withLock { $0.bytes -= line.count }
            }
            if dropped > 0 { Self.writeAll(Array((notice(dropped) + "\n").utf8), to: descriptor) }
            if lines.isEmpty && dropped == 0 {
                clinux_eventfd_signal(idle)
                Self.clear(wake)
            }
        }
    }

    /// Waits until the counter is not 0, and sets it to 0.
    private static func clear(_ event: Int32, waitingAtMostMilliseconds limit: Int32 = -1) {
        var wait = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
        while poll(&wait, 1, limit) < 0 && errno == EINTR {}
        clinux_eventfd_clear(event)
    }

    /// A descriptor that fails gets nothing: there is nobody to tell.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}

/// Writes a line at once and whole, before there is a log or beside it.
func writeLine(_ text: String, to descriptor: Int32) {
    LogWriter.writeAll(Array((escaped(text) + "\n").utf8), to: descriptor)
}
