/// How a socket behaves.
public struct PeerSocketConfiguration: Sendable {
    /// Buffers, timers and limits of the protocol.
    public var endpoint = EndpointConfiguration()
    public var identity: Identity
    /// Inbound connections that may wait for ``PeerSocket/accept(deadline:)``; a further one is
    /// closed at once.
    public var acceptBacklog = 1024

    public init(identity: Identity) {
        self.identity = identity
    }
}
