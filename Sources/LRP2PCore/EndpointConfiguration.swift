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
    /// Which part of the connection ids is this endpoint's.
    public var shard = Shard.whole

    public init() {}
}

/// One of several endpoints that share a port: each has the connections whose id on the wire is
/// congruent to its index. Only the low half of the id counts, because a classic BPF program in the
/// kernel, which works on 32 bits, is to come to the same result.
public struct Shard: Hashable, Sendable {
    /// `0..<count`.
    public let index: Int
    /// At least 1.
    public let count: Int

    public static let whole = Shard(index: 0, count: 1)

    public init(index: Int, count: Int) {
        precondition(count >= 1 && (0..<count).contains(index))
        self.index = index
        self.count = count
    }

    /// The index of the endpoint that a datagram is for; `nil` when it is too short to say.
    @inline(__always)
    public static func index(of datagram: UnsafeRawBufferPointer, count: Int) -> Int? {
        guard datagram.count >= WireFormat.connectionIDLength else { return nil }
        let id = UInt64(bigEndian: datagram.loadUnaligned(as: UInt64.self))
        return Int(UInt32(truncatingIfNeeded: id) % UInt32(count))
    }

    /// Whether a connection with this id on the wire is the endpoint's.
    func includes(_ id: ConnectionID) -> Bool {
        Int(UInt32(truncatingIfNeeded: id.rawValue) % UInt32(count)) == index
    }
}
