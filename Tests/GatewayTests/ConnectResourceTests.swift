import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

@Suite struct ConnectResourceTests {
    private let path = "/v1/connections"

    @Test func takesNameAndPeer() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let response = await here.post(
            path, #"{"address":"\#(there.address)","peer":"\#(there.peer)","name":"Gerät 1"}"#)
        #expect(response.status == .created)
        #expect(try response.object()["name"] as? String == "Gerät 1")
    }

    @Test func resolvesNames() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let port = there.socket.localAddress.port
        let response = await here.post(path, #"{"address":"localhost:\#(port)"}"#)
        #expect(response.status == .created)
        let missing = await here.post(path, #"{"address":"no-such-host.invalid:1"}"#)
        #expect(missing.status == .badGateway)
        #expect(missing.code == "name_not_resolved")
    }

    @Test func refusesAnotherPeer() async throws {
        let (here, there) = (try TestNode(), try TestNode())
        let response = await here.post(
            path, #"{"address":"\#(there.address)","peer":"\#(here.peer)"}"#)
        #expect(response.status == .badGateway)
        #expect(response.code == "peer_mismatch")
        #expect(await here.metric(#"lrp2p_connections{state="open"}"#) == 0)
    }

    @Test func refusesItself() async throws {
        let node = try TestNode()
        let response = await node.post(path, #"{"address":"\#(node.address)"}"#)
        #expect(response.status == .unprocessableContent)
        #expect(response.code == "connected_to_self")
    }

    @Test func givesUpInTime() async throws {
        let (node, silent) = (try TestNode(), try TestNode())
        let address = silent.address
        await silent.socket.close()
        let response = await node.post(path + "?wait=50ms", #"{"address":"\#(address)"}"#)
        #expect(response.status == .gatewayTimeout)
        #expect(response.code == "handshake_timeout")
        #expect(try response.object()["retryable"] as? Bool == true)
    }

    @Test func refusesWhatItCannotReach() async throws {
        let node = try TestNode()
        let response = await node.post(path, #"{"address":"224.0.0.1:9"}"#)
        #expect(response.status == .unprocessableContent)
        #expect(response.code == "unusable_address")
    }

    @Test(arguments: [
        (#"{}"#, "address"), (#"{"address":"host"}"#, "address"),
        (#"{"address":"host:0"}"#, "address"), (#"{"address":"::1:5"}"#, "address"),
        (#"{"address":7}"#, "address"), (#"{"adress":"a:1"}"#, "adress"),
        (#"{"address":"a:1","peer":"L"}"#, "peer"), (#"{"address":"a:1","name":""}"#, "name"),
        (#"{"address":"a:1","name":"\u0007"}"#, "name"),
        (#"{"address":"a:1","congestion_control":"vegas"}"#, "congestion_control"),
        (#"{"address":"a:1","name":"\#(String(repeating: "ä", count: 33))"}"#, "name"),
    ])
    func namesTheMember(body: String, field: String) async throws {
        let response = await (try TestNode()).post(path, body)
        #expect(response.status == .badRequest)
        #expect(try response.object()["field"] as? String == field)
    }

    @Test func refusesMalformedAndLongBodies() async throws {
        let node = try TestNode()
        #expect(await node.post(path, "{").code == "malformed_json")
        let long = String(repeating: " ", count: 65 << 10)
        let response = await node.post(path, long)
        #expect(response.status == .contentTooLarge)
        #expect(response.code == "body_too_long")
        #expect(await node.post(path + "?wait=x", "{}").code == "invalid_parameter")
    }

    @Test func connectionsAreLimited() async throws {
        var endpoint = EndpointConfiguration()
        endpoint.maximumConnections = 1
        let (here, there) = (try TestNode(endpoint: endpoint), try TestNode())
        _ = try await here.connect(to: there)
        let response = await here.post(path, #"{"address":"\#(there.address)"}"#)
        #expect(response.status == .tooManyRequests)
        #expect(response.code == "connection_limit")
        #expect(response.headers[.retryAfter] != nil)
    }
}
