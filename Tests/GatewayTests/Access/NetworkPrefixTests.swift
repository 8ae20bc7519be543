import LRP2P
import Testing

@testable import Gateway

@Suite struct NetworkPrefixTests {
    private func contains(_ network: String, _ host: String) throws -> Bool {
        let address = host.contains(":") ? "[\(host)]:1" : "\(host):1"
        return try #require(NetworkPrefix(network)).contains(try #require(SocketAddress(address)))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "9.255.255.255", false), ("192.168.1.128/25", "192.168.1.127", false),
        ("192.168.1.128/25", "192.168.1.255", true), ("0.0.0.0/0", "255.255.255.255", true),
        ("1.2.3.4", "1.2.3.4", true), ("1.2.3.4/32", "1.2.3.5", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
        ("2001:db8:0:1::/64", "2001:db8:0:1:ffff::", true),
        ("2001:db8:0:1::/64", "2001:db8:0:2::", false),
        ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true),
        ("2001:db8::8000:0:0:0/65", "2001:db8::7fff:0:0:1", false),
        ("::1", "::1", true), ("::1/128", "::2", false), ("::/0", "ff02::1", true),
        // Families do not mix, but for mapped addresses, which are IPv4 ones.
        ("::/0", "1.2.3.4", false), ("0.0.0.0/0", "::1", false),
        ("::/0", "::ffff:1.2.3.4", false), ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("::ffff:10.0.0.0/104", "11.1.2.3", false),
        ("::ffff:1.2.3.4", "1.2.3.4", true), ("::ffff:0:0/96", "8.8.8.8", true),
    ])
    func containment(network: String, host: String, isInside: Bool) throws {
        #expect(try contains(network, host) == isInside)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8",
        "10.0.0.1/8", "1.2.3.4/31 ", "host/8", "::/129", "2001:db8::1/64", "[::1]/128",
        "fe80::1%lo", "::ffff:0:0/90", "::ffff:10.0.0.1/104", "10.0.0.0/08a", "10.0.0.0/+8", "1.2.3.4:80",
    ])
    func refuses(text: String) {
        #expect(NetworkPrefix(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("1.2.3.4", "1.2.3.4/32"), ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ])
    func text(network: String, text: String) throws {
        #expect(try #require(NetworkPrefix(network)).description == text)
    }

    /// Each address is in exactly one of the two halves of every network it is in.
    @Test func everyBitCounts() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let address = SocketAddress(
                ipv6High: random.next() | 1 << 61, low: random.next(), port: 1)
            for length in [1, 63, 64, 65, 127, 128] {
                let flipped = length <= 64
                    ? SocketAddress(
                        ipv6High: address.high ^ 1 << UInt64(64 - length), low: address.low,
                        port: 1)
                    : SocketAddress(
                        ipv6High: address.high, low: address.low ^ 1 << UInt64(128 - length),
                        port: 1)
                let network = try #require(NetworkPrefix(masked(address, length)))
                #expect(network.contains(address))
                #expect(!network.contains(flipped), "\(network) \(flipped)")
            }
        }
    }

    private func masked(_ address: SocketAddress, _ length: Int) -> String {
        let high = length >= 64 ? address.high : address.high & ~(UInt64.max >> UInt64(length))
        let low = length <= 64 ? 0 : address.low & ~(UInt64.max >> UInt64(length - 64))
        let text = SocketAddress(ipv6High: high, low: low, port: 0).description
        return "\(text.dropFirst().dropLast(3))/\(length)"
    }
}
