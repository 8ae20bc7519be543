import Testing

@testable import lrp2p_gateway

@Suite struct ReloaderTests {
    private let environment = ["HOME": "/home/me", "LRP2P_SOCKETS": "3"]

    @Test func saysWhatChangedAndWhatCannot() throws {
        let file = try TestFile("LRP2P_LOG_LEVEL=info")
        var reloader = Reloader(try .test([], environment: environment, file: file))
        let same = try reloader.reread()
        #expect(same.changed.isEmpty && same.needsRestart.isEmpty)

        try file.write("LRP2P_LOG_LEVEL=debug\nLRP2P_UDP=127.0.0.1:1\nLRP2P_SOCKETS=4")
        let first = try reloader.reread()
        #expect(first.changed == ["LRP2P_LOG_LEVEL"])
        #expect(first.settings.logLevel == .debug)
        // The environment is above the file, so the sockets have not changed.
        #expect(first.needsRestart == ["LRP2P_UDP"])
        #expect(first.settings.udp == (try Settings(.test([])).udp))

        // Still not what the file says, until it says what is in force.
        #expect(try reloader.reread().needsRestart == ["LRP2P_UDP"])
        try file.write("")
        let last = try reloader.reread()
        #expect(last.changed == ["LRP2P_LOG_LEVEL"] && last.needsRestart.isEmpty)
        #expect(last.settings.logLevel == .info)
    }

    @Test(arguments: ["LRP2P_LOG_LEVEL=loud", "LRP2P_LOG_LEVEL=debug\nLRP2P_UDP=x", "?"])
    func aBadFileChangesNothing(text: String) throws {
        let file = try TestFile("LRP2P_LOG_LEVEL=warning")
        var reloader = Reloader(try .test([], environment: environment, file: file))
        try file.write(text)
        #expect(throws: StartFailure.self) { try reloader.reread() }
        try file.write("LRP2P_LOG_LEVEL=warning")
        #expect(try reloader.reread().changed.isEmpty)
    }

    /// Each half is right, and both together would be an open door until the restart.
    @Test func whatIsInForceHasToFitToo() throws {
        let file = try TestFile("LRP2P_HTTP=0.0.0.0:0\nLRP2P_TOKEN_FILE=t")
        var reloader = Reloader(try .test([], environment: environment, file: file))
        try file.write("LRP2P_HTTP=127.0.0.1:0")
        let error = #expect(throws: StartFailure.self) { try reloader.reread() }
        #expect(try #require(error).description.contains("0.0.0.0:0"))
    }
}
