import Testing

@testable import lrp2p_gateway

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"), ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"), ("::1", "::1/128"), ("::/0", "::/0"),
        ("2001:db8::/32", "2001:db8::/32"), ("2001:db8:0:0:1::/80", "2001:db8:0:0:1::/80"),
    ])
    func understands(text: String, canonical: String) throws {
        #expect(Network(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8/8", "10.0.0.0/+8", "10/8",
        "::/129", "::1/64", "fd00::1:0/48", "[::1]", "localhost", "10.0.0.0:1/8",
    ])
    func refuses(text: String) {
        #expect(Network(text) == nil)
    }
}
