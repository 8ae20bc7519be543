import Glibc

/// The signals that end the gateway. They are blocked in every thread and taken by the main one
/// with `sigtimedwait`, so that nothing ever runs in a signal handler.
struct Signals {
    private var ending = sigset_t()

    /// To be called before there is a second thread: threads inherit what is blocked.
    init() {
        sigemptyset(&ending)
        sigaddset(&ending, SIGTERM)
        sigaddset(&ending, SIGINT)
        pthread_sigmask(SIG_BLOCK, &ending, nil)
        // A client that leaves is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of the signals.
    func wait() {
        var ending = ending
        var number: Int32 = 0
        while sigwait(&ending, &number) != 0 {}
    }

    /// Waits for one of the signals, at most so many milliseconds. False when none came.
    func wait(atMostMilliseconds limit: Int) -> Bool {
        var ending = ending
        var timeout = timespec(tv_sec: limit / 1000, tv_nsec: limit % 1000 * 1_000_000)
        // Only signals that are blocked could interrupt it; anything else would end the process.
        return sigtimedwait(&ending, nil, &timeout) > 0
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
