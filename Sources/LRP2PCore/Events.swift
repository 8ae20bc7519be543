/// Which side of a handshake an endpoint was.
public enum Role: Sendable { case initiator, responder }

/// Why a connection ended. Each is one label value of a counter.
public enum CloseReason: String, CaseIterable, Sendable {
    /// Closed by this side.
    case local
    /// Both streams have ended, and everything has arrived.
    case finished
    /// Closed by the peer.
    case reset
    /// The peer has lost its state, as after a restart.
    case statelessReset = "stateless_reset"
    /// The peer has broken the rules of the protocol.
    case protocolViolation = "protocol_violation"
    /// Nothing was heard from the peer for the idle timeout.
    case idleTimeout = "idle_timeout"
    /// The handshake was not finished in time.
    case handshakeTimeout = "handshake_timeout"
    /// The address leads back to this endpoint.
    case connectedToSelf = "connected_to_self"
    /// A peer that cannot wrap its sequence numbers came near to 2³² segments (hazard 6).
    case sequenceExhausted = "sequence_exhausted"
}

/// What an endpoint tells its owner.
public enum EndpointEvent {
    /// The handshake we began is finished; data can be written.
    case connected(Connection)
    /// A peer's handshake is finished.
    case accepted(Connection)
    /// The receive ring has grown since the last such event.
    case readable(Connection)
    /// The peer's stream has ended, and all of it is in the receive ring.
    case remoteFinished(Connection)
    /// Messages have arrived since the last such event.
    case datagram(Connection)
    /// The send ring has room again since the last such event.
    case writable(Connection)
    /// The last event of a connection, also of one whose handshake never finished.
    case closed(Connection, CloseReason)
}

/// A datagram that was written into the caller's buffer.
public struct Transmit: Sendable {
    public let length: Int
    public let destination: SocketAddress
    /// It must leave whole or not at all: it tries what the path takes (RFC 8899 §4.1).
    public internal(set) var isPathProbe = false
    /// Routers may mark it instead of dropping it (RFC 3168).
    public internal(set) var isECNCapable = false
}

/// Why no handshake was begun.
public enum EndpointConnectError: Error, Equatable {
    /// `EndpointConfiguration.maximumConnections` are open.
    case connectionLimit
    /// Nothing can be sent to this address: its port is 0.
    case unusableAddress
}
