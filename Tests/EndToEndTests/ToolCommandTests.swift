import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// The other commands of the terminal tool, and how they fail.
    struct ToolCommandTests {
        private struct Described: Decodable {
            let error: String
            let exitStatus: Int32

            enum CodingKeys: String, CodingKey {
                case error
                case exitStatus = "exit_status"
            }
        }

        @Test func documents() async throws {
            let a = try await GatewayProcess(), b = try await GatewayProcess()
            let identity = try await Tool.run(b, "identity")
            #expect(identity.outputText.contains(b.peerID) && identity.outputText.contains(b.udp))
            let connected = try await Tool.run(a, "connect", b.udp, "--name", "n")
            let words = connected.outputText.split(whereSeparator: \.isWhitespace)
            #expect(words.dropFirst() == ["n", Substring(b.peerID)])
            for arguments in [
                ["identity"], ["connections"], ["watch", "--count", "1"],
                ["watch", "n", "--count", "1"], ["close", "n"],
            ] {
                let process = try Tool.start(a, arguments + ["--json"])
                #expect(try await process.wait() == .status(0), "\(process.errorText)")
                let lines = process.outputText.split(separator: "\n")
                try #require(lines.count == 1, "\(process.outputText)")
                let object = try JSONSerialization.jsonObject(with: Data(lines[0].utf8))
                #expect(object is [String: Any])
            }
            let table = try await Tool.run(a, "connections", "--state", "closed").outputText
            #expect(table.hasPrefix("ID ") && table.contains(b.peerID) && table.contains("local"))
            try await a.stop()
            try await b.stop()
        }

        @Test func names() async throws {
            let a = try await GatewayProcess(), b = try await GatewayProcess()
            let id = try await a.connect(to: b.udp).id
            for word in [id, b.peerID, String(b.peerID.prefix(6))] {
                let look = try await Tool.run(a, "watch", word, "--count", "1")
                #expect(look.outputText.contains(id))
            }
            _ = try await Tool.run(a, "watch", String(b.peerID.prefix(5)), status: 67)
            let other = try await a.connect(to: b.udp).id
            let ambiguous = try await Tool.run(a, "send", b.peerID, status: 67)
            #expect(ambiguous.errorText.contains(id) && ambiguous.errorText.contains(other))
            try await a.stop()
            try await b.stop()
        }

        @Test func failures() async throws {
            let directory = try TemporaryDirectory()
            let tokens = try directory.file(
                "tokens", content: Data("reader read 0123456789abcdef\n".utf8), permissions: 0o600)
            let wrong = try directory.file(
                "wrong", content: Data("fedcba9876543210\n".utf8), permissions: 0o600)
            let open = try directory.file("open", content: Data("x\n".utf8), permissions: 0o644)
            let guarded = try await GatewayProcess(["--token-file", tokens])
            let a = try await GatewayProcess()

            try await expect(a, ["send", "nobody", "/missing"], 66, "cannot read /missing")
            try await expect(a, ["send", "nobody"], 67, "there is no connection nobody")
            try await expect(a, ["connect", "nonsense"], 64, "address")
            try await expect(a, ["connect", "127.0.0.1:9"], 76, "127.0.0.1:9")
            try await expect(a, ["receive", "x", "--wait", "50ms"], 75, "nobody has connected")
            try await expect(a, ["send", "--offset", "3", "x"], 64, "need a FILE")
            try await expect(a, ["send", "x", "--frobnicate"], 64, "frobnicate")
            try await expect(guarded, ["identity"], 77, "needs a token")
            try await expect(
                guarded, ["identity", "--token-file", wrong], 77, "does not know this token")
            try await expect(guarded, ["identity", "--token-file", open], 78, "chmod 600")
            let environment = ["LRP2P_TOKEN": "0123456789abcdef"]
            _ = try await Tool.run(guarded, "identity", environment: environment)
            try await expect(guarded, ["connect", a.udp], 77, "scope", environment)
            // Somebody else answers, and nobody.
            let url = "http://127.0.0.1:\(try silentPort())"
            try await expect(nil, ["identity", "--gateway", url], 69, "no gateway at \(url)")
            try await a.stop()
            try await expect(a, ["identity"], 69, "no gateway at \(a.base)")
            try await expect(nil, ["identity", "--gateway", "localhost:1"], 78, "http://")
            try await guarded.stop()
        }

        /// The message is for people, and with `--json` the same for programs.
        private func expect(
            _ gateway: GatewayProcess?, _ arguments: [String], _ status: Int32, _ words: String,
            _ environment: [String: String] = [:]
        ) async throws {
            for isJSON in [false, true] {
                let process = try Tool.start(
                    gateway, arguments + (isJSON ? ["--json"] : []), environment: environment)
                process.closeInput()
                let exit = try await process.wait(within: .seconds(120))
                let text = process.errorText
                #expect(exit == .status(status), "\(arguments): \(text)")
                #expect(text.contains(words), "\(arguments): \(text)")
                #expect(text.split(separator: "\n").count == 1 && process.outputText.isEmpty)
                if isJSON {
                    let error = try JSONDecoder().decode(Described.self, from: Data(text.utf8))
                    #expect(error.exitStatus == status)
                }
            }
        }

        /// One that was free a moment ago, and is not given out again soon.
        private func silentPort() throws -> UInt16 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            var address = loopbackAddress(port: 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let code = withUnsafeMutableBytes(of: &address) { bytes in
                let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
                let bound = bind(descriptor, pointer, size)
                return bound == 0 ? getsockname(descriptor, pointer, &size) : bound
            }
            try #require(code == 0)
            return UInt16(bigEndian: address.sin_port)
        }

        @Test("watch on a terminal shows a table, and leaves the terminal as it was")
        func watchOnATerminal() async throws {
            let a = try await GatewayProcess(), b = try await GatewayProcess()
            _ = try await Tool.run(a, "connect", b.udp, "--name", "shown")
            for signal in [SIGINT, SIGTERM] {
                let terminal = try PseudoTerminal(columns: 60, rows: 10)
                let watch = try Tool.shell(
                    #"exec lrp2p watch --gateway "$1" > "$2" 2>&1"#, [a.base, terminal.path])
                try await eventually("a table") { terminal.read().contains("shown") }
                watch.send(signal: signal)
                #expect(try await watch.wait() == .status(0))
                try await eventually("the end") {
                    terminal.read().hasSuffix("\u{1b}[?25h\u{1b}[?1049l")
                }
                let text = terminal.read()
                #expect(text.hasPrefix("\u{1b}[?1049h\u{1b}[?25l"))
                // Lines are cut to the terminal's width.
                let lines = text.split(separator: "\r\n").map {
                    $0.replacing(/\u{1b}\[[?0-9]*[a-zA-Z]|\r/, with: "")
                }
                #expect(lines.allSatisfy { $0.count <= 60 }, "\(lines)")
            }
            try await a.stop()
            try await b.stop()
        }

        @Test func completions() async throws {
            let directory = try TemporaryDirectory()
            for shell in ["bash", "zsh", "fish"] {
                let script = try await Tool.run(nil, "--generate-completion-script", shell)
                #expect(script.outputText.contains("connections"))
                let there = try ChildProcess("sh", ["-c", "command -v \(shell)"])
                guard try await there.wait() == .status(0) else { continue }
                let file = try directory.file(
                    shell, content: Data(script.outputBytes), permissions: 0o600)
                let check = try ChildProcess(shell, ["-n", file])
                #expect(try await check.wait() == .status(0), "\(check.errorText)")
            }
            // The names of open connections are offered.
            let a = try await GatewayProcess(), b = try await GatewayProcess()
            _ = try await Tool.run(a, "connect", b.udp, "--name", "offered")
            let offer = try Tool.shell(
                #"""
                eval "$(lrp2p --generate-completion-script bash)"
                COMP_WORDS=(lrp2p send ''); COMP_CWORD=2; COMP_LINE='lrp2p send '
                COMP_POINT=${#COMP_LINE}; _lrp2p; echo "${COMPREPLY[@]}"
                """#, environment: ["LRP2P_GATEWAY": a.base])
            #expect(try await offer.wait() == .status(0), "\(offer.errorText)")
            #expect(offer.outputText.contains("offered"), "\(offer.outputText)")
            try await a.stop()
            try await b.stop()
        }

        @Test func theManualIsWellFormed() async throws {
            let path = Products.repository.appending(path: "Sources/lrp2p/lrp2p.1").path
            let check = try ChildProcess("man", ["-l", "--warnings", path])
            #expect(try await check.wait() == .status(0))
            #expect(check.errorText == "")
            #expect(check.outputText.contains("EXIT STATUS"))
        }
    }
}

/// The master's side of a terminal.
private final class PseudoTerminal: @unchecked Sendable {
    // Unchecked: the descriptor is only read, by one test.
    private let master: Int32
    let path: String
    private var text: [UInt8] = []
    /// TIOCSPTLCK and TIOCGPTN of Linux, which Swift cannot import.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    init(columns: UInt16, rows: UInt16) throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0, number: UInt32 = 0
        guard master >= 0, ioctl(master, Self.setLock, &locked) == 0,
            ioctl(master, Self.getNumber, &number) == 0
        else { throw SystemCallFailure("/dev/ptmx", errno: errno) }
        path = "/dev/pts/\(number)"
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
    }

    deinit { close(master) }

    /// All that was written so far.
    func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(master, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }
}
