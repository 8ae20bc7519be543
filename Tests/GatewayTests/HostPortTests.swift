import LRP2P
import Testing

@testable import Gateway

@Suite struct HostPortTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:0", "::1", 0),
        ("example.org:3030", "example.org", 3030), ("localhost:65535", "localhost", 65535),
    ] as [(String, String, UInt16)])
    func parses(text: String, host: String, port: UInt16) {
        #expect(HostPort(text) == HostPort(host: host, port: port))
        #expect(HostPort(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "host", "host:", "host:-1", "host:+1", "host:65536", "host:80:80",
        "::1:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[host]:80", "host:8 0", "host:٨",
    ])
    func refuses(text: String) {
        #expect(HostPort(text) == nil)
    }

    @Test func literalsAreAddresses() throws {
        let v4 = SocketAddress(ipv4: 0x0a00_00fe, port: 7)
        #expect(HostPort("10.0.0.254:7")?.socketAddress == v4)
        let v6 = SocketAddress(ipv6High: 0x2001_0db8_0000_0000, low: 0x1f, port: 9)
        #expect(HostPort("[2001:db8::1f]:9")?.socketAddress == v6)
        #expect(HostPort("localhost:5")?.socketAddress == .loopback(port: 5))
        #expect(HostPort("[fe80::1%1]:5")?.socketAddress?.scopeID == 1)
    }

    @Test(arguments: ["example.org:1", "[fe80::1%no-such-interface]:1", "1.2.3:1", "256.0.0.1:1"])
    func namesAreNoAddresses(text: String) throws {
        #expect(try #require(HostPort(text)).socketAddress == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.9.10", true), ("::1", true), ("localhost", true),
        ("::ffff:127.0.0.1", true), ("0.0.0.0", false), ("::", false), ("128.0.0.1", false),
        ("example.org", false), ("localhost.example.org", false),
    ])
    func knowsLoopback(host: String, isLoopback: Bool) {
        #expect(HostPort(host: host, port: 1).isLoopback == isLoopback)
    }
}
