import Foundation
import Gateway
import LRP2P
import Logging
import Testing

/// `openapi/openapi.yaml` is what the gateway does.
@Suite(.serialized, .timeLimit(.minutes(15)))
struct ContractTests {
    @Test("The document is OpenAPI 3.1")
    func isValid() async throws {
        try await Checker.run("check.py", "validate")
    }

    @Test("Every answer has an example, and every example fits its schema")
    func examplesFit() async throws {
        try await Checker.run("check.py", "examples")
    }

    @Test("Every route is described, and everything described is routed")
    func describesTheRoutes() async throws {
        let description = try await Checker.describe()
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let gateway = Gateway(
            configuration: GatewayConfiguration(httpHost: "127.0.0.1", logger: logger),
            socket: socket)
        let routes = Set(gateway.routes.map { "\($0.method.rawValue) \($0.pattern)" })
        #expect(routes.subtracting(description.operations) == [], "not described")
        let built = description.operations.subtracting(description.pendingOperations)
        #expect(built.subtracting(routes) == [], "not routed")
        #expect(routes.intersection(description.pendingOperations) == [], "not pending any more")
    }

    @Test("Every problem code is described, with its status")
    func describesTheCodes() async throws {
        let description = try await Checker.describe()
        let sources = Checker.sources.appending(path: "Sources/Gateway")
        var codes: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: sources.path)
        where name.hasPrefix("ErrorMapping") {
            let text = try String(contentsOf: sources.appending(path: name), encoding: .utf8)
            for match in text.matches(of: /(\.?\w+),\s+"([a-z]+(?:_[a-z]+)+)"/) {
                codes[String(match.2)] = Self.statuses[match.1]
            }
        }
        // The status is the HTTP server's.
        codes["malformed_request"] = "400"
        codes["expectation_failed"] = "417"
        codes["internal_error"] = "500"
        try #require(codes.count > 30)
        let pending = description.pendingCodes
        #expect(pending.intersection(codes.keys) == [], "not pending any more")
        #expect(codes == description.codes.filter { !pending.contains($0.key) })
    }

    /// As the sources name them.
    private static let statuses: [Substring: String] = [
        ".badRequest": "400", ".unauthorized": "401", ".forbidden": "403", ".notFound": "404",
        ".methodNotAllowed": "405", ".notAcceptable": "406", ".requestTimeout": "408",
        ".conflict": "409", ".gone": "410",
        ".contentTooLarge": "413", ".unsupportedMediaType": "415", ".unprocessableContent": "422",
        ".tooManyRequests": "429", ".badGateway": "502", ".serviceUnavailable": "503",
        ".gatewayTimeout": "504",
    ]

    @Test("Every shell example does what it says")
    func shellExamples() async throws {
        let output = try await Checker.run("samples.py", Checker.products)
        #expect(output.contains("getNode"))
    }

    @Test("Parsers that are not ours read the metrics, in both formats")
    func metrics() async throws {
        try await Checker.run("metrics.py", Checker.products)
    }

    @Test("Nothing but what is described is answered, whatever is asked")
    func exploration() async throws {
        let output = try await Checker.run("explore.py", Checker.products)
        #expect(output.contains(" generated, "))
    }
}
