/// The limits and timers of one endpoint. Every default is a named decision; all can be changed.
public struct EndpointConfiguration: Sendable {
    /// Bytes one connection buffers for its reader, rounded up to a power of two. Bounds the window
    /// told to the peer, and so the rate: one buffer per round trip.
    public var receiveBufferBytes = 2 << 20
    /// Bytes one connection buffers until the peer has acknowledged them, rounded up likewise.
    public var sendBufferBytes = 2 << 20
    /// Silence from the peer after which a connection is closed; `nil` for never. The base protocol
    /// has no other sign that a peer is gone (PROTOCOL.md §2, hazard 8).
    public var idleTimeout: Interval? = .seconds(300)
    /// Send an empty datagram when nothing else was sent for this long; `nil` (the base protocol's
    /// behaviour) for never.
    public var keepAliveInterval: Interval?
    /// How long an unfinished handshake is kept, in either role.
    public var handshakeTimeout: Interval = .seconds(10)
    /// Unfinished inbound handshakes in all; further first messages are dropped.
    public var maximumHandshakes = 1024
    /// Unfinished inbound handshakes from one host address; further first messages are dropped.
    public var maximumHandshakesPerHost = 64
    /// Connections in all, both directions; further ones are refused.
    public var maximumConnections = 16_384
    /// The first sequence number in both directions. The protocol's is 0; tests of the 32-bit wrap
    /// start just below it on both sides.
    public var initialSequenceNumber: UInt32 = 0

    public init() {}
}
