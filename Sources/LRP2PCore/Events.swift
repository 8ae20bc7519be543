/// Which side of a handshake an endpoint was.
public enum Role: Sendable {
    /// It sent the first message.
    case initiator
    /// It answered that.
    case responder
}

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
    /// The send ring has room again, or the peer has all of our stream and its end, since the last
    /// such event.
    case writable(Connection)
    /// The last event of a connection, also of one whose handshake never finished.
    case closed(Connection, CloseReason)
}

/// A datagram that was written into the caller's buffer, and how it is to leave.
public struct Transmit: Sendable {
    /// Bytes written into the caller's buffer, from its start.
    public let length: Int
    /// Where the datagram goes.
    public let destination: SocketAddress
    /// It asks whether the path takes its length (RFC 8899 §4.1): it must not be fragmented, and
    /// that the kernel refuses it for its length is an answer, not a failure.
    public internal(set) var isPathProbe: Bool
    /// It may carry ECT(0) (RFC 3168 §5).
    public internal(set) var isECNCapable: Bool
    /// By how much longer the datagram is for the path (`EndpointConfiguration.elidesPayload`):
    /// what is left out is at its end, less four bytes that say how much.
    package internal(set) var elidedBytes = 0

    public init(
        length: Int, destination: SocketAddress, isPathProbe: Bool = false,
        isECNCapable: Bool = false
    ) {
        self.length = length
        self.destination = destination
        self.isPathProbe = isPathProbe
        self.isECNCapable = isECNCapable
    }
}

/// Why no handshake was begun.
public enum EndpointConnectError: Error, Equatable {
    /// `EndpointConfiguration.maximumConnections` are open.
    case connectionLimit
    /// Nothing can be sent to this address: its port is 0.
    case unusableAddress
}
