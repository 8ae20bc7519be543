import Foundation
import Glibc
import ProcessSupport
import Testing

/// A running `lrp2p-gateway` on ports of its own choice.
final class GatewayProcess: Sendable {
    private struct ReadyLine: Decodable {
        let http: String
        let udp: String
        let peerId: String
    }

    let process: ChildProcess
    let directory: TemporaryDirectory
    let base: String
    let httpPort: UInt16
    let udp: String
    let udpPort: UInt16
    let peerID: String

    init(
        _ arguments: [String] = [], http: String = "127.0.0.1:0", udp: String = "127.0.0.1:0",
        keyFile: String? = nil, environment: [String: String] = [:], standardError: String? = nil
    ) async throws {
        directory = try TemporaryDirectory()
        process = try Self.launch(
            [
                "--http", http, "--udp", udp,
                "--key-file", keyFile ?? directory.path("key"),
            ] + arguments,
            environment: environment, standardError: standardError)
        let line = try await process.nextLine()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let ready = try decoder.decode(ReadyLine.self, from: Data(line.utf8))
        base = "http://\(ready.http)"
        httpPort = try Self.port(ready.http)
        self.udp = ready.udp
        udpPort = try Self.port(ready.udp)
        peerID = ready.peerId
    }

    /// Without grace when it is stopped, unless the environment says otherwise: these tests stop
    /// many, with connections open. Settings of the person who runs the tests do not count.
    ///
    /// - Parameter standardError: a file or FIFO it goes to instead of being collected.
    static func launch(
        _ arguments: [String], environment: [String: String] = [:], standardError: String? = nil
    ) throws -> ChildProcess {
        var changes: [String: String?] = ["LRP2P_DRAIN_TIME": "0"]
        for name in ProcessInfo.processInfo.environment.keys
        where name.hasPrefix("LRP2P_") && name != "LRP2P_DRAIN_TIME" {
            changes.updateValue(nil, forKey: name)
        }
        for (name, value) in environment { changes[name] = value }
        let program = Products.path("lrp2p-gateway")
        guard let standardError else {
            return try ChildProcess(program, arguments, environment: changes)
        }
        let shell = ["-c", #"exec "$@" 2>"$0""#, standardError, program]
        return try ChildProcess("sh", shell + arguments, environment: changes)
    }

    private static func port(_ address: String) throws -> UInt16 {
        try #require(UInt16(address.split(separator: ":").last ?? ""))
    }

    /// Ends it as an operator does, and expects it to end well.
    func stop(signal: Int32 = SIGTERM) async throws {
        process.send(signal: signal)
        let exit = try await process.wait(within: .seconds(30))
        #expect(exit == .status(0), "\(process.errorText)")
    }

    // MARK: What the kernel knows

    /// 0 where memory does not count.
    var residentBytes: Int {
        get throws { Scale.countsMemory ? try status("VmRSS") << 10 : 0 }
    }
    var peakResidentBytes: Int {
        get throws { Scale.countsMemory ? try status("VmHWM") << 10 : 0 }
    }
    var threadCount: Int { get throws { try status("Threads") } }

    private func status(_ name: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return try #require(
            line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}
