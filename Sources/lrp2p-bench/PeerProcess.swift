import Glibc
import LRP2P

enum BenchError: Error, CustomStringConvertible {
    case noPeerProcess(operation: String, errno: Int32)
    case peerProcessSaid(String)

    var description: String {
        switch self {
        case .noPeerProcess(let operation, let code):
            "cannot start the second process: \(operation): \(String(cString: strerror(code)))"
        case .peerProcessSaid(let line):
            "the second process should have printed its address, and printed: \(line)"
        }
    }
}

/// This program a second time, as the other side of a measurement.
///
/// It prints its address on its standard output and ends when its standard input does, so it
/// cannot outlive us.
final class PeerProcess {
    let address: SocketAddress
    private let pid: pid_t
    private let input: Int32

    /// - Parameter mode: what the peer does with its connections, see ``Peer``.
    init(_ mode: Peer.Mode) throws {
        var toChild: [Int32] = [0, 0], fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0 else {
            throw BenchError.noPeerProcess(operation: "pipe", errno: errno)
        }
        guard pipe(&fromChild) == 0 else {
            throw BenchError.noPeerProcess(operation: "pipe", errno: errno)
        }
        for descriptor in [toChild[1], fromChild[0]] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
        let words = ["lrp2p-bench", "peer", mode.rawValue].map { (word: String) in strdup(word) }
        defer { for word in words { free(word) } }
        var child = pid_t()
        let status = posix_spawn(&child, "/proc/self/exe", &actions, nil, words + [nil], environ)
        close(toChild[0])
        close(fromChild[1])
        guard status == 0 else {
            throw BenchError.noPeerProcess(operation: "posix_spawn", errno: status)
        }
        pid = child
        input = toChild[1]
        defer { close(fromChild[0]) }
        let line = PeerProcess.readLine(from: fromChild[0])
        guard let address = SocketAddress(line) else { throw BenchError.peerProcessSaid(line) }
        self.address = address
    }

    func end() {
        close(input)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    private static func readLine(from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < 256, read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
