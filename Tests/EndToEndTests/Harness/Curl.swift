import Foundation
import ProcessSupport
import Testing

/// The real `curl`, a process for each request.
struct Curl: Sendable {
    let process: ChildProcess
    private let directory: TemporaryDirectory

    /// - Parameter output: where the body goes, if it is not to be part of the answer.
    init(_ arguments: [String], output: String? = nil) throws {
        directory = try TemporaryDirectory()
        let body = output ?? directory.path("body")
        process = try ChildProcess(
            "curl", ["-q", "-sS", "-D", directory.path("head"), "-o", body] + arguments)
    }

    func answer(within timeout: Duration = .seconds(300)) async throws -> Answer {
        let exit = try await process.wait(within: timeout)
        try #require(exit == .status(0), "\(process.errorText)")
        let head = try String(contentsOfFile: directory.path("head"), encoding: .utf8)
        // No body, no file.
        let body = FileManager.default.contents(atPath: directory.path("body")) ?? Data()
        return try Answer(head: head, body: [UInt8](body))
    }

    static func run(
        _ arguments: String..., within timeout: Duration = .seconds(300)
    ) async throws -> Answer {
        try await Curl(arguments).answer(within: timeout)
    }
}
