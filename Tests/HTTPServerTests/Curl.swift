import Foundation
import Synchronization
import Testing

/// A `curl` process.
final class Curl: Sendable {
    struct Result {
        let exitStatus: Int32
        let output: String
        let errors: String
    }

    private let process: Process
    private let exit: Task<Result, Never>

    init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "--silent", "--show-error", "--max-time", "60"] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let running = process
        self.process = process
        // Reading blocks, so it may not run on a thread that the server's handlers need.
        exit = Task {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    let text = output.fileHandleForReading.readDataToEndOfFile()
                    let errorText = errors.fileHandleForReading.readDataToEndOfFile()
                    running.waitUntilExit()
                    continuation.resume(
                        returning: Result(
                            exitStatus: running.terminationStatus,
                            output: String(decoding: text, as: UTF8.self),
                            errors: String(decoding: errorText, as: UTF8.self)))
                }
            }
        }
    }

    var result: Result { get async { await exit.value } }

    /// As a crash would end it.
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Runs to the end, which must be a success.
    static func run(
        _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let result = await (try Curl(arguments)).result
        #expect(
            result.exitStatus == 0, Comment(rawValue: result.errors),
            sourceLocation: sourceLocation)
        return result.output
    }
}
