import Glibc

/// The signals the gateway acts upon. They are blocked in every thread and taken by the main one
/// with `sigtimedwait`, so that nothing ever runs in a signal handler.
struct Signals {
    enum Request {
        /// SIGHUP: the configuration is to be read again.
        case reload
        /// SIGTERM, SIGINT.
        case end
    }

    private var awaited = sigset_t()

    /// To be called before there is a second thread: threads inherit what is blocked.
    init() {
        sigemptyset(&awaited)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&awaited, signal) }
        pthread_sigmask(SIG_BLOCK, &awaited, nil)
        // A client that leaves is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of the signals.
    func wait() -> Request {
        var awaited = awaited
        var number: Int32 = 0
        while sigwait(&awaited, &number) != 0 {}
        return number == SIGHUP ? .reload : .end
    }

    /// Waits for one of the signals; `nil` when none came until the deadline.
    func wait(until deadline: ContinuousClock.Instant) -> Request? {
        var awaited = awaited
        let left = max(.zero, deadline - .now).components
        var timeout = timespec(
            tv_sec: Int(left.seconds), tv_nsec: Int(left.attoseconds / 1_000_000_000))
        // Only signals that are blocked could interrupt it; anything else would end the process.
        switch sigtimedwait(&awaited, nil, &timeout) {
        case SIGHUP: return .reload
        case 1...: return .end
        default: return nil
        }
    }
}

/// Raises the number of files this process may have open to what it may raise it to, and returns
/// it: each HTTP connection is one.
func raiseOpenFileLimit() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    getrlimit(resource, &limit)
    return Int(clamping: limit.rlim_cur)
}
