import HTTPServer
import LRP2P

/// `/v1/node`: this process.
struct NodeResource: Sendable {
    let gateway: GatewayContext

    private struct Document: Encodable {
        struct Limits: Encodable {
            let maximumJsonBodyBytes: Int
            let maximumClosedConnections: Int
            let closedConnectionRetentionSeconds: Double
            let maximumRememberedArrivals: Int
            let maximumWaiters: Int
            let maximumWaitSeconds: Double
            let maximumConnectWaitSeconds: Double
            let maximumDrainSeconds: Double
            let maximumDataBytes: Int
            let maximumPageSize: Int
            let maximumNameBytes: Int
            let maximumConnections: Int
            /// What the buffers of a connection begin with, and may grow to.
            let initialBufferBytes: Int
            let maximumReceiveBufferBytes: Int
            let maximumSendBufferBytes: Int
            /// What they may grow by, all together.
            let memoryBudgetBytes: Int
            let maximumDatagramBytes: Int
        }

        let peerId: String
        let publicKey: String
        let udpAddresses: [String]
        let version: String
        let uptimeSeconds: Double
        let limits: Limits
    }

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        _ = try QueryParameters(request.query, allowed: [])
        let limits = gateway.limits
        let endpoint = gateway.socket.endpointConfiguration
        return .json(
            Document(
                peerId: gateway.socket.identity.peerID.description,
                publicKey: Hex.encode(gateway.socket.identity.publicKey),
                udpAddresses: gateway.socket.reachableAddresses.map(\.description),
                version: GatewayVersion.current,
                uptimeSeconds: (ContinuousClock.now - gateway.startedAt).inSeconds,
                limits: .init(
                    maximumJsonBodyBytes: limits.maximumJSONBodyBytes,
                    maximumClosedConnections: limits.maximumClosedConnections,
                    closedConnectionRetentionSeconds: limits.closedConnectionRetention.inSeconds,
                    maximumRememberedArrivals: limits.maximumRememberedArrivals,
                    maximumWaiters: limits.maximumWaiters,
                    maximumWaitSeconds: limits.maximumWait.inSeconds,
                    maximumConnectWaitSeconds: limits.maximumConnectWait.inSeconds,
                    maximumDrainSeconds: limits.maximumDrain.inSeconds,
                    maximumDataBytes: limits.maximumDataBytes,
                    maximumPageSize: limits.maximumPageSize,
                    maximumNameBytes: limits.maximumNameBytes,
                    maximumConnections: endpoint.maximumConnections,
                    initialBufferBytes: endpoint.initialBufferBytes,
                    maximumReceiveBufferBytes: endpoint.receiveBufferBytes,
                    maximumSendBufferBytes: endpoint.sendBufferBytes,
                    memoryBudgetBytes: endpoint.memoryBudget.limit,
                    maximumDatagramBytes: endpoint.maximumDatagram)))
    }
}
