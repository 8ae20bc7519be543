import Foundation
import ProcessSupport
import TestSupport
import Testing

/// A client of `docker/examples`, as a reader of them starts it.
enum ExampleClient: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case shell = "receive.sh"
    case python = "receive.py"
    case javaScript = "receive.mjs"
    case go = "receive.go"

    var testDescription: String { rawValue }

    var source: String {
        Products.repository.appending(path: "docker/examples/\(rawValue)").path
    }

    /// Without a network, and without anything that the person who runs the tests has set.
    static let goEnvironment: [String: String?] = [
        "GO111MODULE": "auto", "GOFLAGS": nil, "GOPROXY": "off",
        // Of its own, because a home directory is not to be counted on.
        "GOCACHE": Products.repository.appending(path: ".build/go-cache").path,
    ]

    /// Compiled once, for all tests.
    private static let goProgram = Task {
        let program = Products.repository.appending(path: ".build/go-cache/receive").path
        let build = try ChildProcess(
            "go", ["build", "-o", program, Self.go.source], environment: goEnvironment)
        let exit = try await build.wait(within: .seconds(300))
        try #require(exit == .status(0), "\(build.errorText)")
        return program
    }

    /// Receives a connection into a file.
    func start(
        _ gateway: GatewayProcess, _ connection: String, into file: String, token: String? = nil
    ) async throws -> RunningExample {
        let program =
            switch self {
            case .shell, .python: [source]
            case .javaScript: ["node", source]
            case .go: [try await Self.goProgram.value]
            }
        let url = "\(gateway.base)/v1/connections/\(connection)"
        return try RunningExample(program + [url, file], token: token)
    }
}

/// An example at work.
struct RunningExample: Sendable {
    let process: ChildProcess
    private let directory: TemporaryDirectory

    /// - Parameter token: none, whatever the tests have been given, when it is `nil`.
    init(_ command: [String], token: String?) throws {
        directory = try TemporaryDirectory()
        // To a file, because what a killed shell leaves behind would keep a pipe open.
        let shell = ["-c", #"exec "$@" >"$0" 2>&1"#, directory.path("output")]
        process = try ChildProcess("sh", shell + command, environment: ["LRP2P_TOKEN": token])
    }

    var outputText: String {
        let output = FileManager.default.contents(atPath: directory.path("output")) ?? Data()
        return String(decoding: output, as: UTF8.self)
    }

    func exit() async throws -> ChildProcess.Exit { try await process.wait(within: .seconds(120)) }
}

/// What an example has to receive, and how much of it has been sent.
final class ExampleTransfer {
    let payload: Data
    let file: String
    private let gateway: GatewayProcess
    private let connection: String
    private let directory: TemporaryDirectory
    private(set) var sent = 0

    /// - Parameter connection: of the sending gateway.
    init(from gateway: GatewayProcess, _ connection: String, bytes: Int) throws {
        (self.gateway, self.connection) = (gateway, connection)
        directory = try TemporaryDirectory()
        payload = try directory.randomFile("payload", bytes: bytes).content
        file = directory.path("received")
    }

    var received: Data { FileManager.default.contents(atPath: file) ?? Data() }
    var receivedBytes: Int {
        get throws {
            guard FileManager.default.fileExists(atPath: file) else { return 0 }
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            return try #require(attributes[.size] as? Int)
        }
    }

    /// Sends the next bytes, as far as there are so many.
    func send(_ count: Int) async throws {
        let piece = [UInt8](payload[sent...].prefix(count))
        guard !piece.isEmpty else { return }
        let answer = try await gateway.request(
            "POST", "/v1/connections/\(connection)/data", body: piece)
        try #require(answer.status == 200, "\(answer.text)")
        sent += piece.count
    }

    func sendRest() async throws { try await send(payload.count) }

    func allIsReceived() async throws {
        try await eventually("all that was sent is in the file") { try receivedBytes == sent }
    }

    /// Ends the stream, and returns when the other gateway has all of it.
    func finish() async throws {
        let answer = try await gateway.request("DELETE", "/v1/connections/\(connection)?drain=30s")
        #expect(answer.status == 204, "\(answer.text)")
    }
}
