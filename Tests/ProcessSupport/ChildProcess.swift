import Foundation
import Glibc
import Synchronization

/// A child process with its three standard streams, killed when nobody holds it any more.
public final class ChildProcess: Sendable {
    public enum Exit: Equatable, Sendable {
        case status(Int32)
        case signal(Int32)
    }

    public enum Failure: Error, CustomStringConvertible {
        case spawn(String, errno: Int32)
        case timedOut(String)
        case endOfOutput(String)

        public var description: String {
            switch self {
            case .spawn(let path, let code): "\(path): \(String(cString: strerror(code)))"
            case .timedOut(let what): "timed out: \(what)"
            case .endOfOutput(let what): "end of output: \(what)"
            }
        }
    }

    private struct Output: Sendable {
        var bytes: [UInt8] = []
        var readPosition = 0
        var isAtEnd = false
    }

    public let pid: pid_t
    private let name: String
    private let input: Mutex<Int32?>
    private let output = Watched(Output())
    private let errors = Watched(Output())
    private let exit = Watched<Exit?>(nil)

    /// Starts the program; a name without a slash is looked up in `PATH`.
    ///
    /// - Parameter environment: beside what this process has; `nil` takes a variable away.
    public init(
        _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:]
    ) throws {
        name = ([program] + arguments).joined(separator: " ")
        var all = ProcessInfo.processInfo.environment
        for (name, value) in environment { all[name] = value }
        let streams: Streams
        (pid, streams) = try Self.start(
            [program] + arguments, environment: all.map { "\($0.key)=\($0.value)" })
        input = Mutex(streams.input)
        Self.collect(streams.output, into: output)
        Self.collect(streams.errors, into: errors)
        Thread.detachNewThread { [pid, exit] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7f
            exit.update { [status] in
                $0 = signal == 0 ? .status((status >> 8) & 0xff) : .signal(signal)
            }
        }
    }

    deinit {
        closeInput()
        send(signal: SIGKILL)
    }

    // MARK: Streams

    /// All that was written to standard output so far.
    public var outputBytes: [UInt8] { output.value.bytes }
    public var outputText: String { String(decoding: outputBytes, as: UTF8.self) }
    public var errorText: String { String(decoding: errors.value.bytes, as: UTF8.self) }

    /// The next line of standard output, without its end; for one reader.
    public func nextLine(within timeout: Duration = .seconds(60)) async throws -> String {
        let found = await output.first(within: timeout) {
            $0.isAtEnd || $0.bytes[$0.readPosition...].contains(UInt8(ascii: "\n"))
        }
        guard found != nil else { throw Failure.timedOut("a line from \(name)\n\(errorText)") }
        let line = output.update { output -> String? in
            let rest = output.bytes[output.readPosition...]
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            output.readPosition = end + 1
            return String(decoding: rest[..<end], as: UTF8.self)
        }
        guard let line else { throw Failure.endOfOutput("\(name)\n\(errorText)") }
        return line
    }

    /// Writes a line to standard input; a child that has closed it does not get it.
    public func write(line: String) {
        input.withLock { descriptor in
            guard let descriptor else { return }
            let bytes = Array((line + "\n").utf8)
            _ = Glibc.write(descriptor, bytes, bytes.count)
        }
    }

    public func closeInput() {
        input.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    // MARK: End

    public var isRunning: Bool { exit.value == nil }

    public func send(signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    /// Waits for the end and for all output.
    public func wait(within timeout: Duration = .seconds(60)) async throws -> Exit {
        guard let exit = await exit.first(within: timeout, where: { $0 != nil }) ?? nil,
            await output.first(within: timeout, where: \.isAtEnd) != nil,
            await errors.first(within: timeout, where: \.isAtEnd) != nil
        else { throw Failure.timedOut("the end of \(name)\n\(errorText)") }
        return exit
    }

    // MARK: Plumbing

    private struct Pipe {
        let read: Int32
        let write: Int32

        init() throws {
            // A reader that has left is an error to handle, not a reason to end the tests.
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Failure.spawn("pipe", errno: errno) }
            (read, write) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
    }

    private struct Streams {
        let input: Int32
        let output: Int32
        let errors: Int32
    }

    /// A pipe is inheritable for a moment, and a child that inherits another's never lets it end:
    /// one start at a time.
    private static let starting = Mutex(())

    private static func start(
        _ arguments: [String], environment: [String]
    ) throws -> (pid_t, Streams) {
        try starting.withLock { _ in
            let input = try Pipe(), output = try Pipe(), errors = try Pipe()
            defer { for end in [input.read, output.write, errors.write] { close(end) } }
            do {
                let pid = try spawn(
                    arguments, environment: environment,
                    streams: [input.read, output.write, errors.write])
                let streams = Streams(
                    input: input.write, output: output.read, errors: errors.read)
                return (pid, streams)
            } catch {
                for end in [input.write, output.read, errors.read] { close(end) }
                throw error
            }
        }
    }

    private static func spawn(
        _ arguments: [String], environment: [String], streams: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, source) in streams.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
        }
        // The child gets the signals as any shell would give them, not as the tests set them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t(), broken = sigset_t()
        sigemptyset(&none)
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &broken)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for string in argv + envp { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, envp)
        guard code == 0 else { throw Failure.spawn(arguments[0], errno: code) }
        return pid
    }

    private static func collect(_ descriptor: Int32, into output: Watched<Output>) {
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                output.update { $0.bytes += buffer[..<count] }
            }
            close(descriptor)
            output.update { $0.isAtEnd = true }
        }
    }
}
