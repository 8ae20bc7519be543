import Gateway
import LRP2P
import Testing

@testable import lrp2p_gateway

@Suite struct SettingsTests {
    private func settings(_ arguments: String...) throws -> Settings {
        try Settings(GatewayCommand.parse(["--key-file", "/k"] + arguments))
    }

    @Test func defaults() throws {
        let settings = try settings()
        #expect(settings.http == HostPort(host: "127.0.0.1", port: 8080))
        #expect(settings.udp == SocketAddress(ipv4: 0, port: 3030))
        #expect(settings.sockets == 1)
        #expect(settings.keyFile == "/k")
        #expect(settings.logLevel == .info)
        // What the help says is what the protocol does by itself.
        let endpoint = EndpointConfiguration()
        #expect(settings.endpoint.idleTimeout == endpoint.idleTimeout)
        #expect(settings.endpoint.keepAliveInterval == endpoint.keepAliveInterval)
        #expect(settings.endpoint.receiveBufferBytes == endpoint.receiveBufferBytes)
        #expect(settings.endpoint.sendBufferBytes == endpoint.sendBufferBytes)
        #expect(settings.endpoint.memoryBudget.limit == endpoint.memoryBudget.limit)
        #expect(settings.endpoint.congestionControl == endpoint.congestionControl)
        #expect(settings.endpoint.maximumDatagram == endpoint.maximumDatagram)
        #expect(settings.endpoint.isExtended)
        #expect(settings.endpoint.applicationProtocols == [])
    }

    @Test func understandsEveryOption() throws {
        let settings = try settings(
            "--http", "localhost:0", "--udp", "[::1]:0", "--log-level", "debug",
            "--idle-timeout", "never", "--keepalive", "25s", "--receive-buffer", "64KiB",
            "--send-buffer", "8MiB", "--sockets", "64", "--memory-budget", "1GiB",
            "--congestion-control", "bbr", "--max-datagram", "1200",
            "--application-protocol", "files/2", "--application-protocol", "chat")
        #expect(settings.http == HostPort(host: "127.0.0.1", port: 0))
        #expect(settings.udp == SocketAddress("[::1]:0"))
        #expect(settings.logLevel == .debug)
        #expect(settings.sockets == 64)
        #expect(settings.endpoint.idleTimeout == nil)
        #expect(settings.endpoint.keepAliveInterval == .seconds(25))
        #expect(settings.endpoint.receiveBufferBytes == 64 << 10)
        #expect(settings.endpoint.sendBufferBytes == 8 << 20)
        #expect(settings.endpoint.memoryBudget.limit == 1 << 30)
        #expect(settings.endpoint.congestionControl == .bbr)
        #expect(settings.endpoint.maximumDatagram == 1200)
        #expect(settings.endpoint.applicationProtocols == ["files/2", "chat"])
        #expect(try !self.settings("--base-protocol").endpoint.isExtended)
    }

    @Test func namesOfProtocolsAreFewAndShort() throws {
        func accepts(_ names: [String], _ more: [String] = []) throws -> Bool {
            let options = names.flatMap { ["--application-protocol", $0] }
            let command = try GatewayCommand.parse(["--key-file", "/k"] + options + more)
            return (try? Settings(command)) != nil
        }
        let eight = (0..<8).map { "name \($0)" }
        #expect(try accepts(eight))
        #expect(try !accepts(eight + ["one more"]))
        #expect(try !accepts(["twice", "twice"]))
        let long = String(repeating: "é", count: 127)
        #expect(try accepts([long, long.uppercased()]))
        #expect(try !accepts([long, long.uppercased(), "too much"]))
        #expect(try !accepts(["x"], ["--base-protocol"]))
    }

    @Test(arguments: [
        ("--http", "8080"), ("--http", "127.0.0.1"), ("--udp", "example.org:3030"),
        ("--udp", "3030"), ("--log-level", "loud"), ("--idle-timeout", "0"),
        ("--idle-timeout", "5"), ("--keepalive", "often"), ("--receive-buffer", "1KiB"),
        ("--send-buffer", "2GiB"), ("--sockets", "0"), ("--sockets", "65"),
        ("--sockets", "all"), ("--memory-budget", "1KiB"), ("--memory-budget", "much"),
        ("--congestion-control", "reno"), ("--max-datagram", "1199"),
        ("--max-datagram", "65508"), ("--max-datagram", "1KiB"), ("--application-protocol", ""),
        ("--application-protocol", String(repeating: "x", count: 256)),
    ])
    func aBadValueNamesItself(option: String, value: String) throws {
        let error = #expect(throws: StartFailure.self) { try settings(option, value) }
        let text = try #require(error).description
        #expect(text.hasPrefix("\(option) \(value): has to be "))
        #expect(!text.contains("\n"))
        #expect(error?.exitCode == 64)
    }

    @Test func anOpenAddressHasToBeMeant() throws {
        for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "example.org:80"] {
            let error = #expect(throws: StartFailure.self) { try settings("--http", address) }
            #expect(try #require(error).description.contains("--insecure-http"))
            #expect(throws: Never.self) { try settings("--http", address, "--insecure-http") }
        }
    }
}
