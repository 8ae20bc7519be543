import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

@Suite struct DialPolicyTests {
    private func address(_ text: String) throws -> SocketAddress {
        try #require(SocketAddress(text))
    }

    private func networks(_ texts: String...) throws -> [NetworkPrefix] {
        try texts.map { try #require(NetworkPrefix($0)) }
    }

    @Test func denyingWins() throws {
        var policy = DialPolicy()
        policy.allow = try networks("10.0.0.0/8", "2001:db8::/32")
        policy.deny = try networks("10.9.0.0/16")
        let refusal = { (text: String) in policy.refusal(of: try address(text), httpPort: nil) }
        #expect(try refusal("10.1.2.3:1") == nil)
        #expect(try refusal("[2001:db8::1]:1") == nil)
        #expect(try refusal("[::ffff:10.1.2.3]:1") == nil)
        #expect(try refusal("10.9.2.3:1") == .denied(policy.deny[0]))
        #expect(try refusal("[::ffff:10.9.2.3]:1") == .denied(policy.deny[0]))
        #expect(try refusal("11.1.2.3:1") == .notAllowed)
        #expect(try refusal("[2001:db9::1]:1") == .notAllowed)
    }

    @Test func theOwnHTTPPortIsNeverDialled() throws {
        var policy = DialPolicy()
        let isOwn = { (address: SocketAddress) in address.isLoopback }
        let refusal = { (text: String) in
            policy.refusal(of: try address(text), httpPort: 8080, isOwn: isOwn)
        }
        #expect(try refusal("127.0.0.1:8080") == .ownHTTPPort)
        #expect(try refusal("[::ffff:127.0.0.1]:8080") == .ownHTTPPort)
        #expect(try refusal("127.0.0.1:8081") == nil)
        #expect(try refusal("192.0.2.1:8080") == nil)
        policy.allow = try networks("127.0.0.0/8")
        #expect(try refusal("127.0.0.1:8080") == .ownHTTPPort)
    }

    @Test func aRefusalNamesAddressAndRule() async throws {
        let there = try TestNode()
        var access = AccessConfiguration()
        access.dial.deny = try networks("127.0.0.0/8")
        let here = try TestNode(access: access)
        let response = await here.post("/v1/connections", #"{"address":"\#(there.address)"}"#)
        #expect(response.status == .forbidden)
        #expect(response.code == "dial_not_allowed")
        let detail = try #require(try response.object()["detail"] as? String)
        #expect(detail.contains(there.address) && detail.contains("127.0.0.0/8"))
        // Nothing has left, so nothing has come.
        #expect(await there.metric("lrp2p_packets_received_total") == 0)
        #expect(await here.metric("lrp2p_packets_sent_total") == 0)
    }

    /// What counts is the address that is dialled, and not the name.
    @Test func namesAreLookedThrough() async throws {
        let there = try TestNode()
        var access = AccessConfiguration()
        access.dial.allow = try networks("10.0.0.0/8")
        let here = try TestNode(access: access)
        let port = there.socket.localAddress.port
        let body = #"{"address":"localhost:\#(port)"}"#
        #expect(await here.post("/v1/connections", body).code == "dial_not_allowed")
        // Of several addresses those that may be dialled are.
        access.dial.allow = try networks("127.0.0.1")
        here.gateway.reload(access)
        #expect(await here.post("/v1/connections", body).status == .created)
    }

    @Test func ownPortIsKnownOnceTheServerIs() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        here.gateway.serverStarted(port: there.socket.localAddress.port)
        let response = await here.post("/v1/connections", #"{"address":"\#(there.address)"}"#)
        #expect(response.code == "dial_not_allowed")
    }
}
