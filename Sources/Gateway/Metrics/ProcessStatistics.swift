import Glibc

/// What the kernel says about this process: the standard `process_*` metrics.
struct ProcessStatistics: Sendable {
    var cpuSeconds: Double
    var virtualMemoryBytes: UInt64
    var residentMemoryBytes: UInt64
    /// Seconds since 1970.
    var startTimeSeconds: Double
    var openFileDescriptors: Int
    /// `nil` when there is no limit.
    var maximumFileDescriptors: UInt64?

    /// `nil` where there is no `/proc` to ask.
    static func read() -> ProcessStatistics? {
        guard let stat = readFile("/proc/self/stat"), let bootTime = bootTimeSeconds() else {
            return nil
        }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let descriptors = countEntries("/proc/self/fd")
        return ProcessStatistics(
            stat: stat, bootTimeSeconds: bootTime,
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
            pageBytes: UInt64(sysconf(Int32(_SC_PAGESIZE))), openFileDescriptors: descriptors,
            maximumFileDescriptors: limit.rlim_cur == rlim_t.max ? nil : UInt64(limit.rlim_cur))
    }

    /// Takes the line of `/proc/self/stat` apart, see proc_pid_stat(5).
    init?(
        stat: String, bootTimeSeconds: Double, ticksPerSecond: Double, pageBytes: UInt64,
        openFileDescriptors: Int, maximumFileDescriptors: UInt64?
    ) {
        // The second field, the name, may hold spaces and parentheses: count from its end.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        func field(_ number: Int) -> UInt64? {
            let index = number - 3
            return fields.indices.contains(index) ? UInt64(fields[index]) : nil
        }
        guard let user = field(14), let system = field(15), let start = field(22),
            let virtual = field(23), let residentPages = field(24), ticksPerSecond > 0
        else { return nil }
        cpuSeconds = Double(user + system) / ticksPerSecond
        virtualMemoryBytes = virtual
        residentMemoryBytes = residentPages * pageBytes
        startTimeSeconds = bootTimeSeconds + Double(start) / ticksPerSecond
        self.openFileDescriptors = openFileDescriptors
        self.maximumFileDescriptors = maximumFileDescriptors
    }

    private static func bootTimeSeconds() -> Double? {
        guard let text = readFile("/proc/stat"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("btime ") })
        else { return nil }
        return Double(line.dropFirst("btime ".count))
    }

    private static func readFile(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// Without `.`, `..`, and the descriptor that it takes to look.
    private static func countEntries(_ path: String) -> Int {
        guard let directory = opendir(path) else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while Glibc.readdir(directory) != nil { count += 1 }
        return max(0, count - 3)
    }
}
