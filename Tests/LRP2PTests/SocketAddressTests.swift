import Glibc
import Testing

@testable import LRP2P

@Suite struct SocketAddressTests {
    static let canonical = [
        "127.0.0.1:3030", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:3030", "[::]:0",
        "[2001:db8::1]:1", "[fe80::1%lo]:9", "[2001:db8:1:2:3:4:5:6]:443",
    ]

    @Test(arguments: canonical)
    func printsWhatItParsed(text: String) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.description == text)
    }

    @Test(arguments: [
        ("[0:0:0:0:0:0:0:1]:7", "[::1]:7"), ("[2001:DB8::0:1]:7", "[2001:db8::1]:7"),
        ("[::ffff:192.0.2.1]:7", "192.0.2.1:7"), ("[fe80::1%1]:7", "[fe80::1%lo]:7"),
        ("[fe80::1%4000000000]:7", "[fe80::1%4000000000]:7"), ("127.0.0.1:007", "127.0.0.1:7"),
    ])
    func canonicalForm(text: String, printed: String) throws {
        #expect(try #require(SocketAddress(text)).description == printed)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1 ", "127.0.0:1", "1.2.3.4.5:1", "256.1.1.1:1",
        "::1:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80",
        "[fe80::1%nosuchinterface]:1", "[fe80::1%]:1", "[::g]:1", "localhost:1", "1:2:3",
        "127.0.0.1:٣",
    ])
    func refuses(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func refusesVeryLongText() {
        #expect(SocketAddress("[" + String(repeating: ":", count: 1_000_000) + "]:1") == nil)
    }

    @Test(arguments: canonical)
    func kernelFormRoundTrips(text: String) throws {
        let address = try #require(SocketAddress(text))
        for mapped in [false, true] {
            var storage = sockaddr_storage()
            let length = address.store(into: &storage, mapped: mapped)
            #expect(SocketAddress(&storage, length: length) == address)
            #expect(SocketAddress(&storage, length: length - 1) == nil)
            let isIPv6 = mapped || address.family == .ipv6
            #expect(Int32(storage.ss_family) == (isIPv6 ? AF_INET6 : AF_INET))
        }
    }

    @Test func foreignFamilyIsRefused() {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_UNIX)
        #expect(SocketAddress(&storage, length: 128) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.0.0.1:0", false), ("0.0.0.0:1", false),
        ("224.0.0.1:1", false), ("239.255.255.255:1", false), ("255.255.255.255:1", false),
        ("[::1]:1", true), ("[::]:1", false), ("[ff02::1]:1", false), ("223.255.255.255:1", true),
    ])
    func unicast(text: String, expected: Bool) throws {
        #expect(try #require(SocketAddress(text)).isUnicast == expected)
    }

    @Test func resolvesNumericAddressesAndNames() async throws {
        #expect(try await SocketAddress.resolve("[::1]:5") == [SocketAddress("[::1]:5")])
        let local = try await SocketAddress.resolve("localhost:3030")
        #expect(!local.isEmpty)
        #expect(local.allSatisfy { $0.port == 3030 })
        let loopback = ["127.0.0.1:3030", "[::1]:3030"].compactMap { SocketAddress($0) }
        #expect(loopback.contains { local.contains($0) })
    }

    @Test(arguments: ["localhost", "localhost:", ":1", "localhost:99999", "[localhost]:1", "a:b:1"])
    func resolveRefuses(text: String) async {
        await #expect(throws: ResolveError.malformed(text)) {
            try await SocketAddress.resolve(text)
        }
    }
}
