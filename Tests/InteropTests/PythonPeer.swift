import Foundation
import LRP2P
import ProcessSupport
import Testing

/// The independent peer in `Peer/lrp2p_peer.py`, as a child process.
struct PythonPeer {
    /// What the peer reports at its end; see `Conformance.report` in `Peer/conformance.py`.
    struct Result: Decodable {
        let complete: Bool
        let dead: String?
        let sentSha256: String
        let receivedSha256: String
        let receivedBytes: Int
        let retransmissions: Int
        let windowClosings: Int
        let keepalives: Int
        let violationCount: Int
        let violations: [String]
        let ackWindowLengths: [Int]
        let thirdMessagesBeforeData: Int?
        let handshakeCopies: [String: Int]
    }

    private struct Event: Decodable {
        let event: String
        let port: UInt16?
        let staticKey: String?
        let peerStaticKey: String?
    }

    let process: ChildProcess
    let address: SocketAddress
    let staticKey: String

    private static var script: String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Peer/lrp2p_peer.py").path
    }

    /// Runs `lrp2p_peer.py` in the virtual environment that `make test` sets up.
    static func launch(_ arguments: [String]) throws -> ChildProcess {
        let python = try #require(
            ProcessInfo.processInfo.environment["LRP2P_TEST_PYTHON"],
            "LRP2P_TEST_PYTHON is not set: run `make test`, which sets up the Python peer")
        return try ChildProcess(python, ["-B", script] + arguments)
    }

    init(_ arguments: [String]) async throws {
        process = try Self.launch(arguments)
        let ready = try await Self.event("ready", from: process)
        address = .loopback(port: try #require(ready.port))
        staticKey = try #require(ready.staticKey)
    }

    private static func event(_ name: String, from process: ChildProcess) async throws -> Event {
        while true {
            let line = try await process.nextLine(within: .seconds(240))
            let event = try decoder.decode(Event.self, from: Data(line.utf8))
            if event.event == name { return event }
            // A result before its time says why.
            try #require(event.event != "result", "\(line)")
        }
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    /// Waits until the handshake is done; the static key the peer saw, in hexadecimal.
    func handshake() async throws -> String {
        try #require(await Self.event("handshake", from: process).peerStaticKey)
    }

    /// Waits until the peer's sender has met a window of 0.
    func windowClosed() async throws {
        _ = try await Self.event("window_closed", from: process)
    }

    /// Waits until the peer has sent and received all, ends it, and checks that it is content.
    func finish() async throws -> Result {
        _ = try await Self.event("transferred", from: process)
        process.closeInput()
        var line = try await process.nextLine()
        while !line.contains(#""event": "result""#) { line = try await process.nextLine() }
        let result = try Self.decoder.decode(Result.self, from: Data(line.utf8))
        #expect(result.violations == [])
        #expect(result.complete)
        #expect(result.dead == nil)
        #expect(try await process.wait() == .status(0))
        return result
    }
}
