import Foundation

/// How much the tests of robustness do: a little in every run, and with `LRP2P_E2E_FULL=1` as much
/// as is promised.
enum Scale {
    private static let isFull = ProcessInfo.processInfo.environment["LRP2P_E2E_FULL"] == "1"

    /// Not under a sanitizer, which keeps what was freed.
    static let countsMemory =
        ProcessInfo.processInfo.environment["LRP2P_E2E_MEMORY"] != "uncounted"

    /// Bytes offered to a reader that stops.
    static let offeredBytes = isFull ? 10 << 30 : 256 << 20
    /// Clients that are killed during uploads, and during downloads.
    static let kills = isFull ? 100 : 10
    static let hostileDatagrams = isFull ? 1_000_000 : 50_000
    static let malformedRequests = isFull ? 100_000 : 5_000
    /// Addresses from which handshakes come, and how often each of them begins one.
    static let floodingSources = 10_000
    static let floodRounds = isFull ? 20 : 2
}
