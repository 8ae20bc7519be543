import Foundation
import ProcessSupport
import Testing

/// The scripts in `Contract`, in the virtual environment that `make setup-tests` sets up.
enum Checker {
    /// What `check.py describe` tells of the document.
    struct Description: Decodable {
        let operations: Set<String>
        let pendingOperations: Set<String>
        /// Status by code.
        let codes: [String: String]
        let pendingCodes: Set<String>
    }

    static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Where the executables under test are: beside the tests' own, unless `LRP2P_PRODUCTS` says.
    static var products: String {
        if let directory = ProcessInfo.processInfo.environment["LRP2P_PRODUCTS"] {
            return URL(filePath: directory).path
        }
        return URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path
    }

    /// Runs a script to its end, expects it to be content, and returns what it printed.
    @discardableResult
    static func run(
        _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let python = try #require(
            ProcessInfo.processInfo.environment["LRP2P_TEST_PYTHON"],
            "LRP2P_TEST_PYTHON is not set: run `make test`, which sets up what is needed",
            sourceLocation: sourceLocation)
        let directory = sources.appending(path: "Tests/ContractTests/Contract").path
        let process = try ChildProcess(
            python, ["-B", "\(directory)/\(arguments[0])"] + arguments.dropFirst())
        let exit = try await process.wait(within: .seconds(600))
        #expect(
            exit == .status(0), "\(process.outputText)\n\(process.errorText)",
            sourceLocation: sourceLocation)
        return process.outputText
    }

    static func describe() async throws -> Description {
        let text = try await run("check.py", "describe")
        return try JSONDecoder().decode(Description.self, from: Data(text.utf8))
    }
}
