/// The limits and timers of one endpoint. Every default is a named decision; all can be changed.
public struct EndpointConfiguration: Sendable {
    /// Bytes one connection buffers for its reader at most, rounded up to a power of two. A buffer
    /// starts small and grows while it is what limits the rate: one buffer per round trip.
    public var receiveBufferBytes = 16 << 20
    /// Bytes one connection buffers at most until the peer has acknowledged them, likewise.
    public var sendBufferBytes = 16 << 20
    /// Bytes that each buffer may hold from the start, whatever the budget says.
    public var initialBufferBytes = 64 << 10
    /// What the buffers of all connections may take together beyond that; shared by all endpoints
    /// that have the same one.
    public var memoryBudget = MemoryBudget.process
    /// Silence from the peer after which a connection is closed; `nil` for never. The base protocol
    /// has no other sign that a peer is gone (PROTOCOL.md §2, hazard 8).
    public var idleTimeout: Interval? = .seconds(300)
    /// Send a packet when nothing else was sent for this long; `nil` (the base protocol's
    /// behaviour) for never.
    public var keepAliveInterval: Interval?
    /// How long an unfinished handshake is kept, in either role.
    public var handshakeTimeout: Interval = .seconds(10)
    /// Unfinished inbound handshakes in all; further first messages are dropped.
    public var maximumHandshakes = 1024
    /// Unfinished inbound handshakes from one host address; further first messages are dropped.
    public var maximumHandshakesPerHost = 64
    /// Unfinished inbound handshakes from which on an initiator must show that it receives what is
    /// sent to its address before anything is kept of it.
    public var handshakesBeforeCookies = 256
    /// Connections in all, both directions; further ones are refused.
    public var maximumConnections = 16_384

    /// Who may connect: asked with the X25519 public key of a peer, 32 bytes, that has just proved it
    /// is its own, and with where it is. A peer that may not gets no connection and no answer to its
    /// message 3. `nil` lets everybody in. Called by the owner of the endpoint: it must be quick.
    package var admits: (@Sendable (_ publicKey: [UInt8], _ source: SocketAddress) -> Bool)?

    /// Offer and accept the extended protocol (PROTOCOL.md §3). Without it, every peer is spoken
    /// to as the reference is.
    public var isExtended = true
    /// Received bytes count as delivered only when the application says so, with
    /// ``Endpoint/confirmDelivery(on:upTo:now:)``, as when it has made them safe from a crash: until
    /// then the peer keeps them and tells its application nothing else. A peer of the base protocol
    /// gets its acknowledgements that late, which slows it down.
    public var confirmsDelivery = false
    /// Of connections for which nothing else is asked, and of those that peers begin.
    public var congestionControl = CongestionControlAlgorithm.cubic
    /// Bytes of the largest datagram to send or receive, 1200 … 65,507. Connections begin with 1400
    /// and search for what their path takes (RFC 8899); 1400 or less does not search.
    public var maximumDatagram = WireFormat.maximumDatagram
    /// Packets that are acknowledged together at most, 1 … 255.
    public var acknowledgementThreshold = 2
    /// How long an acknowledgement may wait for more packets, up to 1 s.
    public var maximumAcknowledgementDelay: Interval = .milliseconds(10)
    /// Mark packets as ECN-capable, where the path bears it.
    public var usesECN = true
    /// Keys are changed after so many packets sent with them, or so long.
    public var rekeyAfterPackets: UInt64 = 1 << 24
    /// Keys are changed when they were used for so long, if ``rekeyAfterPackets`` does not come
    /// first.
    public var rekeyAfter: Interval = .seconds(600)
    /// Names of what is spoken over connections, in order of preference: 1 … 255 bytes of UTF-8
    /// each, 512 together; what is beyond that is not offered, for message 1 must fit into a
    /// datagram. The first of the responder's that the initiator has too is agreed on.
    public var applicationProtocols: [String] = []

    /// The first sequence number in both directions of the base protocol, which is 0; tests of the
    /// 32-bit wrap start just below it on both sides.
    public var initialSequenceNumber: UInt32 = 0
    /// Leave the payload of streams out of memory and off the wire; everything else is done as
    /// ever. For simulations of paths that hold more bytes than a machine does: both endpoints need
    /// it, and the extended protocol.
    package var elidesPayload = false
    /// Which part of the connection ids is this endpoint's.
    public var shard = Shard.whole

    public init() {}

    /// Bytes of the names in an offer.
    private static let maximumProtocolBytes = 512

    var offeredProtocols: [String] {
        var left = Self.maximumProtocolBytes
        return applicationProtocols.filter { name in
            let length = name.utf8.count
            guard TransportParameters.applicationProtocolLength.contains(length), length <= left
            else { return false }
            left -= length
            return true
        }
    }
}

/// One of several endpoints that share a port: each has the connections whose id on the wire is
/// congruent to its index. Only the low half of the id counts, because a classic BPF program in the
/// kernel, which works on 32 bits, is to come to the same result.
public struct Shard: Hashable, Sendable {
    /// `0..<count`.
    public let index: Int
    /// At least 1.
    public let count: Int

    /// The only endpoint of a port.
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
