import ArgumentParser
import Glibc
import LRP2P
import Threads

/// The other process of a measurement. Started by the measuring one.
struct Peer: AsyncParsableCommand {
    enum Mode: String, CaseIterable, ExpressibleByArgument {
        /// Does with each connection what its first byte says, a ``Service``.
        case serve
        /// Keeps connections and does nothing with them.
        case hold
        /// Ends each connection as soon as its handshake is over.
        case end
        /// Without the protocol: takes UDP datagrams.
        case udpSink = "udp-sink"
        /// Without the protocol: takes datagrams and decrypts them.
        case blastSink = "blast-sink"
        /// Without the protocol: sends datagrams back.
        case udpEcho = "udp-echo"
        /// Without the protocol: answers HTTP requests.
        case httpHello = "http-hello"
    }

    static let configuration = CommandConfiguration(
        abstract: "The other side of a measurement.", shouldDisplay: false)

    @Argument var mode: Mode
    @OptionGroup var endpoint: EndpointOptions

    func run() async throws {
        let part = try await makePart()
        print(part.address)
        fflush(nil)
        for await line in StandardInput.lines() {
            guard let request = PeerRequest(line: line) else { continue }
            if case .connect(let address, let count) = request {
                try await part.connect(to: address, count: count)
            }
            print(await part.report().line)
            fflush(nil)
        }
        await part.end()
    }

    private func makePart() async throws -> any PeerPart {
        switch mode {
        case .serve, .hold, .end: try await SocketPart(mode, endpoint.configuration)
        case .udpSink: try YardstickPart(receivingWith: RawUDPYardstick.receive)
        case .blastSink: try YardstickPart(receivingWith: BlastYardstick.receive)
        case .udpEcho: try YardstickPart(receivingWith: RawEchoYardstick.answer)
        case .httpHello: try HelloServer()
        }
    }
}

/// What the measuring process asks of the other one, one per line. Each is answered with a
/// ``PeerReport``.
enum PeerRequest: Equatable {
    case report
    /// Open so many connections first.
    case connect(to: SocketAddress, count: Int)

    var line: String {
        switch self {
        case .report: "report"
        case .connect(let address, let count): "connect \(address) \(count)"
        }
    }

    init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("report", 1): self = .report
        case ("connect", 3):
            guard let address = SocketAddress(words[1]), let count = Int(words[2]), count > 0
            else { return nil }
            self = .connect(to: address, count: count)
        default: return nil
        }
    }
}

/// One mode of ``Peer`` at work.
protocol PeerPart: Sendable {
    var address: SocketAddress { get }
    func connect(to address: SocketAddress, count: Int) async throws
    func report() async -> PeerReport
    func end() async
}

/// What is to be done with a connection: its first byte.
enum Service: UInt8, CaseIterable {
    /// Reads everything and throws it away.
    case discard = 0x64
    /// Sends back what it reads.
    case echo = 0x65
    /// Sends for as long as the connection lives.
    case source = 0x73
}

enum StandardInput {
    /// The lines of standard input, to its end. A thread of its own reads them: it may block.
    static func lines() -> AsyncStream<String> {
        AsyncStream { continuation in
            let status = BackgroundThread.start(name: "stdin") {
                while let line = LineReader.line(from: STDIN_FILENO) { continuation.yield(line) }
                continuation.finish()
            }
            if status != 0 { continuation.finish() }
        }
    }
}

enum LineReader {
    /// Longer ones come in pieces.
    private static let maximumLength = 512

    /// The next line, without its end. `nil` at the end of the input.
    static func line(from descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < maximumLength {
            let count = read(descriptor, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { break }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
