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
        result.addMemory(ofProcess: "self")
        result.allocations = allocation_counts_now().allocations
        return result
    }

    /// Those of another one; its processor time in steps of the kernel's clock, 10 ms mostly.
    static func of(process pid: pid_t) -> ProcessFigures {
        var result = ProcessFigures()
        result.time = MonotonicClock.now
        // The name, which may hold anything, ends at the last parenthesis (proc_pid_stat(5)).
        let stat = text(ofFile: "/proc/\(pid)/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        if fields.count > 13, let user = UInt64(fields[12]), let system = UInt64(fields[13]) {
            let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
            result.processorNanoseconds = (user + system) * (1_000_000_000 / ticks)
        }
        result.addMemory(ofProcess: "\(pid)")
        return result
    }

    private mutating func addMemory(ofProcess name: String) {
        // Not ru_maxrss, which a process inherits from the one that started it.
        let status = Self.text(ofFile: "/proc/\(name)/status")
        residentBytes = Self.kibibytes("VmRSS:", in: status) * 1024
        peakResidentBytes = Self.kibibytes("VmHWM:", in: status) * 1024
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
