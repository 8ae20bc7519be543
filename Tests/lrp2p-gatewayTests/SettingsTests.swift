import Gateway
import LRP2P
import Testing

@testable import lrp2p_gateway

@Suite struct SettingsTests {
    private func settings(_ arguments: String...) throws -> Settings {
        try Settings(.test(["--key-file", "/k"] + arguments))
    }

    @Test func defaults() throws {
        let settings = try settings()
        #expect(settings.http.address == HostPort(host: "127.0.0.1", port: 8080))
        #expect(settings.http.connections == 0)
        #expect(settings.http.idleTimeout == .seconds(60))
        #expect(settings.udp == SocketAddress(ipv4: 0, port: 3030))
        #expect(settings.sockets == 1)
        #expect(settings.keyFile == "/k")
        #expect(settings.logLevel == .info)
        #expect(settings.logFormat == .text)
        #expect(settings.drainTime == .seconds(3))
        #expect(settings.readerTimeout == .seconds(60))
        #expect(settings.spool == nil && settings.tls == nil)
        #expect(settings.access.tokenFile == nil && settings.access.allowPeers == nil)
        #expect(!settings.access.isInsecure && settings.access.requestRate == 0)
        #expect(settings.access.dialAllow.isEmpty && settings.access.dialDeny.isEmpty)
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

    @Test func understandsEveryOptionOfPeers() throws {
        let settings = try settings(
            "--http", "localhost:0", "--udp", "[::1]:0", "--log-level", "debug",
            "--idle-timeout", "never", "--keepalive", "25s", "--receive-buffer", "64KiB",
            "--send-buffer", "8MiB", "--sockets", "64", "--memory-budget", "1GiB",
            "--congestion-control", "bbr", "--max-datagram", "1200",
            "--application-protocol", "files/2", "--application-protocol", "chat")
        #expect(settings.http.address == HostPort(host: "127.0.0.1", port: 0))
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

    @Test func understandsEveryOptionOfHTTPAndDisk() throws {
        let settings = try settings(
            "--data-dir", "spool", "--spool-limit", "2GiB", "--reader-timeout", "5s",
            "--token-file", "tokens", "--allow-peers", "peers", "--dial-allow", "10.0.0.0/8",
            "--dial-allow", "fd00::/8", "--dial-deny", "10.1.0.0/16", "--allowed-host",
            "Example.org", "--request-rate", "50", "--tls-certificate", "c.pem", "--tls-key",
            "k.pem", "--tls-client-ca", "ca.pem", "--http-connections", "100",
            "--http-connections-per-address", "10", "--http-idle-timeout", "90s",
            "--http-header-timeout", "0", "--drain-time", "250ms", "--log-format", "json")
        #expect(settings.spool?.directory == "spool" && settings.spool?.limit == 2 << 30)
        #expect(settings.readerTimeout == .seconds(5))
        #expect(settings.access.tokenFile == "tokens" && settings.access.allowPeers == "peers")
        #expect(settings.access.dialAllow == [NetworkPrefix("10.0.0.0/8"), NetworkPrefix("fd00::/8")])
        #expect(settings.access.dialDeny == [NetworkPrefix("10.1.0.0/16")])
        #expect(settings.access.allowedHosts == ["example.org"])
        #expect(settings.access.requestRate == 50)
        #expect(settings.tls?.certificate == "c.pem" && settings.tls?.key == "k.pem")
        #expect(settings.tls?.clientCA == "ca.pem")
        #expect(settings.http.connections == 100 && settings.http.connectionsPerAddress == 10)
        #expect(settings.http.idleTimeout == .seconds(90))
        #expect(settings.http.headerTimeout == .zero)
        #expect(settings.drainTime == .milliseconds(250))
        #expect(settings.logFormat == .json)
    }

    @Test func namesOfProtocolsAreFewAndShort() throws {
        func accepts(_ names: [String], _ more: [String] = []) throws -> Bool {
            let options = names.flatMap { ["--application-protocol", $0] }
            let sources = try SettingSources.test(["--key-file", "/k"] + options + more)
            return (try? Settings(sources)) != nil
        }
        let eight = (0..<8).map { "name \($0)" }
        #expect(try accepts(eight))
        #expect(try !accepts(eight + ["one more"]))
        #expect(try !accepts(["twice", "twice"]))
        let long = String(repeating: "é", count: 127)
        #expect(try accepts([long, long.uppercased()]))
        #expect(try !accepts([long, long.uppercased(), "too much"]))
        #expect(try !accepts(["x"], ["--base-protocol"]))
        // The file could not say it.
        #expect(try !accepts(["one,two"]))
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
        ("--log-format", "xml"), ("--drain-time", "11m"), ("--drain-time", "3"),
        ("--dial-allow", "10.0.0.1/8"), ("--dial-deny", "everything"), ("--allowed-host", "a:80"),
        ("--allowed-host", ""), ("--request-rate", "+1"), ("--request-rate", "1.5"),
        ("--http-connections", "many"), ("--http-idle-timeout", "500ms"), ("--data-dir", ""),
        ("--reader-timeout", "0"), ("--key-file", " /k"), ("--token-file", "'t'"),
        ("--token-file", "\"t\""), ("--token-file", "a\nb"),
    ])
    func aBadValueNamesItself(option: String, value: String) throws {
        let error = #expect(throws: StartFailure.self) { try settings(option, value) }
        let text = try #require(error).description
        #expect(text.hasPrefix("\(option): \"\(value)\" has to be "))
        #expect(error?.exitCode == 64)
    }

    @Test func anOpenAddressHasToBeMeantOrProtected() throws {
        let tls = ["--tls-certificate", "c", "--tls-key", "k"]
        for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "example.org:80"] {
            func accepts(_ more: [String]) throws -> Bool {
                let sources = try SettingSources.test(["--http", address] + more)
                do {
                    _ = try Settings(sources)
                    return true
                } catch {
                    #expect(error.description.contains("--insecure-http"))
                    #expect(error.exitCode == 64)
                    return false
                }
            }
            #expect(try !accepts([]))
            #expect(try !accepts(["--no-insecure-http"]))
            #expect(try !accepts(tls), "TLS alone says who the server is, not who the client is")
            #expect(try accepts(["--insecure-http"]))
            #expect(try accepts(["--token-file", "t"]))
            #expect(try accepts(tls + ["--tls-client-ca", "ca"]))
        }
    }

    @Test(arguments: [
        (["--tls-key", "k"], "--tls-key needs --tls-certificate too"),
        (["--tls-certificate", "c"], "--tls-certificate needs --tls-key too"),
        (["--tls-client-ca", "ca"], "--tls-client-ca needs --tls-certificate too"),
        (["--spool-limit", "1GiB"], "--spool-limit needs --data-dir too"),
    ])
    func someNeedOthers(arguments: [String], text: String) throws {
        let sources = try SettingSources.test(arguments)
        let error = #expect(throws: StartFailure.self) { try Settings(sources) }
        #expect(error?.description == text)
        #expect(error?.exitCode == 64)
    }

    @Test func withoutAHomeTheKeyFileHasToBeNamed() throws {
        let nowhere = try SettingSources.test([], environment: [:])
        #expect(throws: StartFailure.self) { try Settings(nowhere) }
        let named = try SettingSources.test(["--key-file", "/k"], environment: [:])
        #expect(try Settings(named).keyFile == "/k")
    }
}
