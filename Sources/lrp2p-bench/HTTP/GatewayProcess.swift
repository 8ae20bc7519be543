import Glibc
import LRP2P

/// The real `lrp2p-gateway`, on ports of its own choice.
final class GatewayProcess: Sendable {
    let httpPort: UInt16
    let udp: SocketAddress
    let peerID: String
    private let program: Program
    private let directory: Scratch
    private let options: [String]

    /// - Parameter options: further ones of the command line.
    convenience init(_ options: [String] = []) throws {
        try self.init(options, udp: "127.0.0.1:0", directory: Scratch())
    }

    /// Another one with the identity and the UDP address of one that has ended.
    convenience init(after other: GatewayProcess) throws {
        try self.init(other.options, udp: "\(other.udp)", directory: other.directory)
    }

    private init(_ options: [String], udp: String, directory: Scratch) throws {
        self.directory = directory
        self.options = options
        program = try Program(
            Program.beside("lrp2p-gateway"),
            [
                "--http", "127.0.0.1:0", "--udp", udp,
                "--key-file", directory.path("key"), "--log-level", "error",
                "--drain-time", "0",
            ] + options)
        let line = program.nextLine()
        guard let line, let http = JSONText.string("http", in: line).flatMap({ SocketAddress($0) }),
            let udp = JSONText.string("udp", in: line).flatMap({ SocketAddress($0) }),
            let peerID = JSONText.string("peer_id", in: line)
        else {
            program.end()
            throw BenchError.gatewaySaid(line ?? "nothing")
        }
        (httpPort, self.udp, self.peerID) = (http.port, udp, peerID)
    }

    var pid: pid_t { program.pid }
    var figures: ProcessFigures { .of(process: program.pid) }

    /// Files it has open.
    var openFiles: Int { Scratch.names(in: "/proc/\(program.pid)/fd").count }

    func end() { program.end() }

    /// Ends it without a warning.
    func kill() {
        program.send(signal: SIGKILL)
        program.end()
    }

    // MARK: Its resources

    /// Connects to a peer; returns the connection's id here.
    func connect(to address: SocketAddress, over client: HTTPClient) throws -> String {
        let answer = try client.request(
            "POST", "/v1/connections", headers: ["Content-Type: application/json"],
            body: Array("{\"address\":\"\(address)\"}".utf8))
        return try Self.id(in: answer, of: 201)
    }

    /// The next connection of a peer.
    func accept(over client: HTTPClient) throws -> String {
        try Self.id(in: client.request("GET", "/v1/accept?wait=30s"), of: 200)
    }

    private static func id(in answer: HTTPAnswer, of status: Int) throws -> String {
        guard answer.head.status == status, let id = JSONText.string("id", in: answer.text) else {
            throw BenchError.gatewaySaid("\(answer.head.status) \(answer.text)")
        }
        return id
    }

    static func data(_ id: String) -> String { "/v1/connections/\(id)/data" }
}

/// The little of JSON that is needed here.
enum JSONText {
    /// The first member of this name whose value is a string without escapes.
    static func string(_ name: String, in text: String) -> String? {
        strings(name, in: text).first
    }

    /// All of them, at any depth.
    static func strings(_ name: String, in text: String) -> [String] {
        let bytes = Array(text.utf8), mark = Array("\"\(name)\":\"".utf8)
        var result: [String] = []
        var index = 0
        while index + mark.count <= bytes.count {
            guard bytes[index...].starts(with: mark) else {
                index += 1
                continue
            }
            let value = bytes[(index + mark.count)...].prefix { $0 != UInt8(ascii: "\"") }
            result.append(String(decoding: value, as: UTF8.self))
            index = value.endIndex
        }
        return result
    }
}
