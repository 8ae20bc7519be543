import Glibc

/// For the time between two attempts.
func pause(_ duration: Duration) {
    let (seconds, attoseconds) = max(.zero, duration).components
    var rest = timespec()
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
}
