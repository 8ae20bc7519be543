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
        // That this table is what the code does is a test of the gateway.
        let page = try String(
            contentsOf: Checker.sources.appending(path: "Sources/Gateway/Gateway.docc/Gateway.md"),
            encoding: .utf8)
        var codes: [String: String] = [:]
        for row in page.matches(of: /(?m)^\| `([a-z_]+)` \| ([0-9]{3}) \|/) {
            codes[String(row.1)] = String(row.2)
        }
        // Nobody is there to read it.
        try #require(codes.removeValue(forKey: "client_left") == "499")
        let pending = description.pendingCodes
        #expect(pending.intersection(codes.keys) == [], "not pending any more")
        #expect(codes == description.codes.filter { !pending.contains($0.key) })
    }

    @Test("Every shell example does what it says")
    func shellExamples() async throws {
        let output = try await Checker.run("samples.py", Checker.products)
        #expect(output.contains("getNode"))
    }

    @Test("Nothing but what is described is answered, whatever is asked")
    func exploration() async throws {
        let output = try await Checker.run("explore.py", Checker.products)
        #expect(output.contains(" generated, "))
    }
}
