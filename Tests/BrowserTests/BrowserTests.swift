import Foundation
import ProcessSupport
import Testing

/// The page, in a real browser, with gateways that really are connected.
///
/// Each test is a function that `Browser/scenarios.py` finds. Pictures are kept in `.build/test-artifacts`.
@Suite(.serialized, .timeLimit(.minutes(15)))
struct BrowserTests {
    @Test(
        "The page does what people do with it",
        arguments: [
            "two_gateways", "by_keyboard", "what_peers_send", "broken_upload", "many_uploads",
            "refused_connections", "tokens", "token_for_reading", "restarted_gateway",
            "full_disk", "draining_gateway", "many_connections", "hidden_page", "ends",
            "too_few_requests", "appearance",
        ])
    func scenario(name: String) async throws {
        let python = try #require(
            ProcessInfo.processInfo.environment["LRP2P_TEST_PYTHON"],
            "LRP2P_TEST_PYTHON is not set: run `make test`, which sets up what is needed")
        let script = Self.sources.appending(path: "Tests/BrowserTests/Browser/scenarios.py").path
        let process = try ChildProcess(
            python, ["-B", script, name, Self.products, Self.artifacts])
        let exit = try await process.wait(within: .seconds(600))
        #expect(exit == .status(0), "\(process.outputText)\n\(process.errorText)")
    }

    private static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let artifacts = sources.appending(path: ".build/test-artifacts").path

    /// Where the executables under test are: beside the tests' own, unless `LRP2P_PRODUCTS` says.
    private static var products: String {
        if let directory = ProcessInfo.processInfo.environment["LRP2P_PRODUCTS"] {
            return URL(filePath: directory).path
        }
        return URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path
    }
}
