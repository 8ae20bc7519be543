import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

/// The list of peers, from the outside.
@Suite struct PeerListTests {
    private func access(_ peers: PeerID...) -> AccessConfiguration {
        var access = AccessConfiguration()
        access.peers = Set(peers)
        return access
    }

    @Test func strangersDoNotGetIn() async throws {
        let log = RecordedLog()
        let (friend, stranger) = (try TestNode(), try TestNode())
        let node = try TestNode(access: access(friend.socket.identity.peerID), log: log)
        _ = await stranger.post("/v1/connections", #"{"address":"\#(node.address)"}"#)
        try await eventually("it is counted") {
            await node.metric(#"lrp2p_datagrams_dropped_total{reason="peer_not_allowed"}"#) == 1
        }
        #expect(await node.metric(#"lrp2p_connections{state="open"}"#) == 0)
        try await eventually("it is in the log") { !log.audit.isEmpty }
        #expect(log.audit.last?["outcome"] == "peer_refused")
        #expect(log.audit.last?["peer"] == stranger.peer)
        #expect(log.audit.last?["address"] == stranger.address)
        _ = try await friend.connect(to: node)
    }

    @Test func theNamedPeerHasToBeOnTheList() async throws {
        let (friend, other) = (try TestNode(), try TestNode())
        let node = try TestNode(access: access(friend.socket.identity.peerID))
        let response = await node.post(
            "/v1/connections", #"{"address":"\#(other.address)","peer":"\#(other.peer)"}"#)
        #expect(response.status == .forbidden)
        #expect(response.code == "peer_not_allowed")
        #expect(await node.metric("lrp2p_packets_sent_total") == 0)
        // Expected was another: that comes first.
        let mismatch = await node.post(
            "/v1/connections", #"{"address":"\#(other.address)","peer":"\#(friend.peer)"}"#)
        #expect(mismatch.code == "peer_mismatch")
    }

    @Test func thePeerThatAnswersHasToBeOnTheList() async throws {
        let (friend, other) = (try TestNode(), try TestNode())
        let node = try TestNode(access: access(friend.socket.identity.peerID))
        let response = await node.post("/v1/connections", #"{"address":"\#(other.address)"}"#)
        #expect(response.status == .forbidden)
        #expect(response.code == "peer_not_allowed")
        #expect(try #require(try response.object()["detail"] as? String).contains(other.peer))
        #expect(await node.metric(#"lrp2p_connections{state="open"}"#) == 0)
        let allowed = await node.post("/v1/connections", #"{"address":"\#(friend.address)"}"#)
        #expect(allowed.status == .created)
    }

    @Test func whoIsTakenOffTheListIsClosed() async throws {
        let log = RecordedLog()
        let (one, other) = (try TestNode(), try TestNode())
        let node = try TestNode(log: log)
        let stays = try await one.connect(to: node), goes = try await node.connect(to: other)
        node.gateway.reload(access(one.socket.identity.peerID))
        let closed = try await node.document(goes.here)
        #expect(closed["state"] as? String == "closed")
        #expect(closed["close_reason"] as? String == "local")
        #expect(try await node.document(stays.there)["state"] as? String == "open")
        // It is told why.
        try await eventually("the peer knows") {
            try await other.document(goes.there)["state"] as? String == "closed"
        }
        let told = try await other.document(goes.there)
        #expect(told["close_reason"] as? String == "reset")
        #expect(told["reset_code"] as? Int == 3)
        let line = try #require(log.audit.last { $0["outcome"] == "peer_closed" })
        #expect(line["peer"] == other.peer && line["connection"] == goes.here)
        // And back on.
        node.gateway.reload(AccessConfiguration())
        _ = try await other.connect(to: node)
    }

    /// A server would say who it is from first.
    @Test func connectionsFromBeforeTheGatewayCount() async throws {
        let socket = try PeerSocket.listen(on: .loopback(port: 0))
        let stranger = try PeerSocket.listen(on: .loopback(port: 0))
        let connection = try await stranger.connect(to: socket.localAddress)
        var configuration = GatewayConfiguration(
            httpHost: "127.0.0.1", logger: RecordedLog().logger)
        configuration.access.peers = []
        let gateway = Gateway(configuration: configuration, socket: socket)
        #expect(await connection.waitUntilClosed() != nil)
        gateway.beginShutdown()
        await socket.close()
        await stranger.close()
    }
}
