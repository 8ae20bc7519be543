import Glibc
import LRP2P

enum BenchError: Error, CustomStringConvertible {
    case system(operation: String, errno: Int32)
    /// The second process ended, or printed something unexpected.
    case peerProcessSaid(String?)
    case noAnswer
    /// So many of those that should have stayed open.
    case connectionsLost(UInt64)
    case missingProgram(String)
    case cannotStart(String)
    case gatewaySaid(String)
    /// An answer that is none, or whose end cannot be told.
    case notHTTP
    case status(Int, of: String)
    /// Bytes came out otherwise than they went in.
    case wrongBytes(at: Int)

    var description: String {
        switch self {
        case .system(let operation, let code): "\(operation): \(String(cString: strerror(code)))"
        case .peerProcessSaid(let line?): "the second process printed: \(line)"
        case .peerProcessSaid(nil): "the second process ended early"
        case .noAnswer: "no answer came"
        case .connectionsLost(let count): "\(count) connections ended by themselves"
        case .missingProgram(let path): "\(path) is not there; `swift build` makes it"
        case .cannotStart(let name): "\(name) cannot be started"
        case .gatewaySaid(let text): "the gateway said: \(text)"
        case .notHTTP: "the server's answer is not understood"
        case .status(let status, let request): "\(request) was answered with \(status)"
        case .wrongBytes(let position): "a wrong byte at or after \(position)"
        }
    }
}

/// This program a second time, as the other side of a measurement.
///
/// It prints its address on its standard output, answers requests, and ends when its standard input
/// does, so it cannot outlive us.
final class PeerProcess: Sendable {
    let address: SocketAddress
    private let pid: pid_t
    /// Both its standard input and its output.
    private let channel: Int32

    init(_ mode: Peer.Mode, _ options: EndpointOptions? = nil) throws {
        // Not inherited: another child with a copy would keep this one alive.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw BenchError.system(operation: "socketpair", errno: errno)
        }
        let words = ["peer", mode.rawValue] + (options?.arguments ?? [])
        let child = Self.spawn(words, input: ends[1], output: ends[1])
        close(ends[1])
        channel = ends[0]
        do {
            pid = try child.get()
            let line = LineReader.line(from: channel)
            guard let address = line.flatMap({ SocketAddress($0) }) else {
                throw BenchError.peerProcessSaid(line)
            }
            self.address = address
        } catch {
            close(channel)
            throw error
        }
    }

    /// The process's figures, now.
    func report() throws -> PeerReport {
        try request(.report)
    }

    @discardableResult
    func request(_ request: PeerRequest) throws -> PeerReport {
        var line = request.line + "\n"
        let count = line.utf8.count
        let written = line.withUTF8 { text in
            send(channel, text.baseAddress, text.count, Int32(MSG_NOSIGNAL))
        }
        guard written == count else { throw BenchError.system(operation: "send", errno: errno) }
        let answer = LineReader.line(from: channel)
        guard let report = answer.flatMap(PeerReport.init(line:)) else {
            throw BenchError.peerProcessSaid(answer)
        }
        return report
    }

    func end() {
        close(channel)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// Starts this program with other arguments.
    static func spawn(
        _ words: [String], input: Int32, output: Int32
    ) -> Result<pid_t, BenchError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        let arguments = (["lrp2p-bench"] + words).map { (word: String) in strdup(word) }
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let status = posix_spawn(
            &child, "/proc/self/exe", &actions, nil, arguments + [nil], environ)
        guard status == 0 else {
            return .failure(.system(operation: "posix_spawn", errno: status))
        }
        return .success(child)
    }
}
