import CAllocationCounts
import Glibc
import LRP2P

/// What a process has used so far, as the kernel and the allocator count it.
struct ProcessFigures: Sendable, Equatable {
    var time = Instant(nanoseconds: 0)
    var processorNanoseconds: UInt64 = 0
    var residentBytes: UInt64 = 0
    /// The most that was resident at any time.
    var peakResidentBytes: UInt64 = 0
    /// 0 where they cannot be counted.
    var allocations: UInt64 = 0

    /// Those of this process.
    static var now: ProcessFigures {
        var result = ProcessFigures()
        result.time = MonotonicClock.now
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        result.processorNanoseconds = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
        // Not ru_maxrss, which a process inherits from the one that started it.
        let status = text(ofFile: "/proc/self/status")
        result.residentBytes = kibibytes("VmRSS:", in: status) * 1024
        result.peakResidentBytes = kibibytes("VmHWM:", in: status) * 1024
        result.allocations = allocation_counts_now().allocations
        return result
    }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
    }

    private static func kibibytes(_ label: String, in status: String) -> UInt64 {
        for line in status.split(separator: "\n") where line.hasPrefix(label) {
            let digits = line.dropFirst(label.count).filter { $0.isASCII && $0.isNumber }
            return UInt64(digits) ?? 0
        }
        return 0
    }

    private static func text(ofFile path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        // One page is what the kernel gives at a time, and more than the file has.
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
