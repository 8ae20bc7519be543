import Logging
import Testing

@testable import lrp2p_gateway

@Suite struct WiringTests {
    private func settings(_ arguments: String...) throws -> Settings {
        try Settings(.test(arguments))
    }

    @Test func openFilesLimitHTTPConnections() throws {
        let automatic = try settings()
        #expect(Wiring.httpConnections(automatic, openFiles: 1024) == 960)
        #expect(Wiring.httpConnections(automatic, openFiles: 1 << 20) == 12_288)
        #expect(Wiring.httpConnections(automatic, openFiles: 10) == 16)
        let wanted = try settings("--http-connections", "2000")
        #expect(Wiring.httpConnections(wanted, openFiles: 1 << 20) == 2000)
        #expect(Wiring.httpConnections(wanted, openFiles: 1024) == 960)
    }

    @Test func theServerGetsWholeSeconds() throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func seconds(_ text: String) throws -> Int {
            let settings = try settings("--http-idle-timeout", text)
            return Wiring.server(settings, httpConnections: 1, log: log).idleTimeoutSeconds
        }
        #expect(try seconds("1m") == 60)
        #expect(try seconds("1500ms") == 2)
        #expect(try seconds("0") == 0)
    }
}
