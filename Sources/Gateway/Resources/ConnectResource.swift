import HTTPServer
import HTTPTypes
import LRP2P

/// `POST /v1/connections`: makes a connection to a peer.
struct ConnectResource: Sendable {
    let gateway: GatewayContext

    private struct Target {
        let address: HostPort
        let peer: PeerID?
        let name: String?
        let congestionControl: CongestionControlAlgorithm?
    }

    func post(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        if gateway.isDraining { throw .shuttingDown }
        if gateway.registry.isFull { throw .connectionLimit }
        let query = try QueryParameters(request.query, allowed: ["wait"])
        let wait = try query.duration(
            "wait", limit: gateway.limits.maximumConnectWait,
            default: gateway.limits.maximumConnectWait)
        let body = try await JSONBody.read(
            request, allowed: ["address", "peer", "name", "congestion_control"],
            limits: gateway.limits)
        let target = try target(body)
        RequestContext.current?.note {
            $0.target = target.address.description
            $0.peer = target.peer?.description
        }
        if let peer = target.peer, !gateway.socket.admission.allows(peer) {
            throw .access(.peerNotAllowed(peer))
        }
        let deadline = ContinuousClock.now + wait
        let transport = try await gateway.waiters.wait { () async throws(GatewayError) in
            try await connect(to: target, deadline: deadline)
        }
        let connection = gateway.registry.add(transport, name: target.name)
        RequestContext.current?.note(connection)
        // The list may have changed since the handshake.
        guard gateway.socket.admission.allows(transport.remotePeerID) else {
            transport.close(code: .notAllowed)
            throw .access(.peerNotAllowed(transport.remotePeerID))
        }
        let document = ConnectionDocument(connection, localAddress: gateway.socket.localAddress)
        var response = ServerResponse.json(document, status: .created)
        response.headers[.location] = "\(ConnectionsResource.path)/\(connection.id)"
        return response
    }

    private func target(_ body: JSONBody) throws(GatewayError) -> Target {
        guard let address = HostPort(try body.requiredString("address")), address.port != 0 else {
            throw .invalidMember(
                name: "address",
                detail: "has to be HOST:PORT with a port from 1 to 65535, IPv6 in brackets")
        }
        var peer: PeerID?
        if let text = body.string("peer") {
            peer = PeerID(text)
            guard peer != nil else {
                throw .invalidMember(name: "peer", detail: "is not a peer id")
            }
        }
        let name = body.string("name")
        let limit = gateway.limits.maximumNameBytes
        if let name, !ConnectionName.isUsable(name, limit: limit) {
            throw .invalidMember(name: "name", detail: ConnectionName.allowed(limit: limit))
        }
        return Target(
            address: address, peer: peer, name: name,
            congestionControl: try congestionControl(body))
    }

    private func congestionControl(
        _ body: JSONBody
    ) throws(GatewayError) -> CongestionControlAlgorithm? {
        guard let text = body.string("congestion_control") else { return nil }
        guard let algorithm = CongestionControlAlgorithm(rawValue: text) else {
            let allowed = CongestionControlAlgorithm.allCases.map(\.rawValue)
            throw .invalidMember(
                name: "congestion_control", detail: "has to be \(allowed.joined(separator: " or "))")
        }
        return algorithm
    }

    /// Tries the addresses of the host one after the other; each gets its share of the time left.
    private func connect(
        to target: Target, deadline: ContinuousClock.Instant
    ) async throws(GatewayError) -> PeerConnection {
        let resolved = try await resolve(target.address, deadline: deadline)
        // These are dialled, and not what the name leads to the next time.
        var addresses = try gateway.access.dialable(resolved)[...]
        // One that was tried says more than one that could not be.
        var timedOut = false
        var failure = ConnectError.timedOut
        while let address = addresses.popFirst() {
            let now = ContinuousClock.now
            let share = now + (deadline - now) / (addresses.count + 1)
            do {
                return try await gateway.socket.connect(
                    to: address, expecting: target.peer,
                    congestionControl: target.congestionControl, deadline: share)
            } catch {
                switch error {
                case .timedOut: timedOut = true
                case .unusableAddress: failure = error
                case .cancelled: throw gateway.cancellation
                default: throw .connectFailed(error, address: "\(target.address)")
                }
            }
        }
        throw .connectFailed(timedOut ? .timedOut : failure, address: "\(target.address)")
    }

    private func resolve(
        _ target: HostPort, deadline: ContinuousClock.Instant
    ) async throws(GatewayError) -> [SocketAddress] {
        let lookup = Task { () async -> Result<[SocketAddress], ResolveError> in
            do throws(ResolveError) {
                return .success(try await SocketAddress.resolve(target.description))
            } catch {
                return .failure(error)
            }
        }
        let timer = Task {
            // Not when it is cancelled: the answer came first.
            if (try? await Task.sleep(until: deadline, clock: .continuous)) != nil {
                lookup.cancel()
            }
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler {
            await lookup.value
        } onCancel: {
            lookup.cancel()
        }
        switch result {
        case .success(let addresses): return addresses
        case .failure(.cancelled):
            throw Task.isCancelled ? gateway.cancellation : .resolveTimeout(host: target.host)
        case .failure(let error): throw .resolveFailed(error, host: target.host)
        }
    }
}
