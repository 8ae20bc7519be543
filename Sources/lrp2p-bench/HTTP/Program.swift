import ArgumentParser
import Glibc
import LRP2P
import Synchronization

/// Another program, running for as long as this one needs it.
///
/// A second copy of this program attends it (see ``Attend``), so that it ends with us, however we
/// end.
final class Program: Sendable {
    /// Of the program itself.
    let pid: pid_t
    private let attendant: pid_t
    /// Closing it ends the program.
    private let channel: Int32
    private let output: Int32
    private let hasEnded = Atomic(false)

    /// - Parameter name: one without a slash is looked up in `PATH`.
    init(_ name: String, _ arguments: [String]) throws {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        var channel: [Int32] = [-1, -1], output: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, kind, 0, &channel) == 0 else {
            throw BenchError.system(operation: "socketpair", errno: errno)
        }
        guard socketpair(AF_UNIX, kind, 0, &output) == 0 else {
            let code = errno
            channel.forEach { close($0) }
            throw BenchError.system(operation: "socketpair", errno: code)
        }
        let spawned = PeerProcess.spawn(
            ["attend", name] + arguments, input: channel[1], output: output[1])
        close(channel[1])
        close(output[1])
        (self.channel, self.output) = (channel[0], output[0])
        do {
            attendant = try spawned.get()
        } catch {
            close(channel[0])
            close(output[0])
            throw error
        }
        guard let line = LineReader.line(from: channel[0]), let pid = pid_t(line) else {
            close(channel[0])
            close(output[0])
            var status: Int32 = 0
            waitpid(attendant, &status, 0)
            throw BenchError.cannotStart(name)
        }
        self.pid = pid
    }

    /// The next line of its standard output; `nil` once it has ended.
    func nextLine() -> String? { LineReader.line(from: output) }

    func send(signal: Int32) {
        // Until then nobody else can have its number.
        if !hasEnded.load(ordering: .relaxed) { kill(pid, signal) }
    }

    /// Ends it, by `SIGTERM` if it still runs.
    func end() {
        guard !hasEnded.exchange(true, ordering: .relaxed) else { return }
        close(channel)
        var status: Int32 = 0
        waitpid(attendant, &status, 0)
        close(output)
    }

    /// Whether a program of this name can be run.
    static func exists(_ name: String) -> Bool {
        if name.contains("/") { return access(name, X_OK) == 0 }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin"
        return path.split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// A program built together with this one.
    static func beside(_ name: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw BenchError.system(operation: "readlink", errno: errno) }
        let own = String(decoding: buffer[..<count], as: UTF8.self)
        let directory = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        let path = "\(directory)/\(name)"
        guard exists(path) else { throw BenchError.missingProgram(path) }
        return path
    }
}

/// Runs a program until standard input ends.
struct Attend: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a program until standard input ends.", shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough) var words: [String]

    /// What the program is given to end by itself, before it is killed.
    private static let graceMilliseconds = 15_000
    private static let stepMilliseconds: UInt32 = 5

    func run() throws {
        var child = pid_t()
        let arguments = words.map { (word: String) in strdup(word) }
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        // It gets the signals, whatever thread asked for it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let status = posix_spawnp(
            &child, words[0], &actions, &attributes, arguments + [nil], environ)
        guard status == 0 else { throw ExitCode.failure }
        // Its end is to be seen by who reads what it prints.
        close(STDOUT_FILENO)
        var line = "\(child)\n"
        line.withUTF8 { _ = send(STDIN_FILENO, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        while LineReader.line(from: STDIN_FILENO) != nil {}
        kill(child, SIGTERM)
        var result: Int32 = 0, waited = 0
        while waitpid(child, &result, WNOHANG) == 0 {
            if waited == Self.graceMilliseconds { kill(child, SIGKILL) }
            usleep(Self.stepMilliseconds * 1000)
            waited += Int(Self.stepMilliseconds)
        }
    }
}
