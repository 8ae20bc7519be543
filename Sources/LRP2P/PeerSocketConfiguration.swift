/// How a socket behaves.
public struct PeerSocketConfiguration: Sendable {
    /// Buffers, timers and limits of the protocol. Limits hold for the whole socket.
    public var endpoint = EndpointConfiguration()
    /// Who the socket is to its peers.
    public var identity: Identity
    /// Which peers there may be connections with, in both directions.
    public var admission = PeerAdmission()
    /// Inbound connections that may wait for ``PeerSocket/accept(deadline:)``; a further one is
    /// closed at once.
    public var acceptBacklog = 1024
    /// How many of the kernel's sockets share the port, each with a network thread of its own;
    /// `1...64`. Each connection belongs to one of them: with several, many connections use as many
    /// cores, while a single one gains nothing.
    public var sockets = 1

    /// What ``sockets`` may be.
    public static let allowedSockets = 1...64

    public init(identity: Identity) {
        self.identity = identity
    }

    /// The part of one network thread. Limits on the number of connections and handshakes are
    /// divided evenly and rounded up: connection ids are random, so each has about as many.
    func endpoint(ofShard index: Int) -> EndpointConfiguration {
        var part = endpoint
        part.shard = Shard(index: index, count: sockets)
        part.admits = { [admission] in admission.admits(publicKey: $0, at: $1) }
        part.maximumConnections = share(endpoint.maximumConnections)
        part.maximumHandshakes = share(endpoint.maximumHandshakes)
        part.maximumHandshakesPerHost = share(endpoint.maximumHandshakesPerHost)
        return part
    }

    private func share(_ limit: Int) -> Int {
        limit / sockets + (limit % sockets > 0 ? 1 : 0)
    }
}
