/// Why a socket could not be opened.
public enum ListenError: Error, Equatable {
    /// Another socket has this port.
    case addressInUse(SocketAddress)
    /// The port is privileged, and this process is not.
    case permissionDenied(SocketAddress)
    /// No interface of this host has the address.
    case addressNotAvailable(SocketAddress)
    /// A system call failed for another reason.
    case system(operation: String, errno: Int32)
}

/// Why there is no connection.
public enum ConnectError: Error, Equatable {
    /// No (complete) handshake by the deadline or within the handshake timeout.
    case timedOut
    /// The task was cancelled. An attempt that is under way is given up.
    case cancelled
    /// The socket was closed before or meanwhile.
    case socketClosed
    /// Another peer answered. It has been sent nothing but the handshake.
    case peerMismatch(expected: PeerID, found: PeerID)
    /// The peer that answered is not one of ``PeerAdmission/allowed``. It has been sent nothing but
    /// the handshake.
    case peerNotAllowed(PeerID)
    /// The address leads back to this socket.
    case connectedToSelf
    /// The socket has as many connections, or attempts not yet begun, as it may have.
    case connectionLimit
    /// No datagram can go there: port 0, a multicast or "any" address, or a family that the
    /// socket's own address cannot reach.
    case unusableAddress(SocketAddress)
}

/// Why there is no inbound connection.
public enum AcceptError: Error, Equatable {
    /// Nobody connected by the deadline.
    case timedOut
    /// The task was cancelled; no connection was taken.
    case cancelled
    /// The socket was closed before or meanwhile.
    case socketClosed
}

/// Why there are no bytes.
public enum ReadError: Error, Equatable {
    /// No byte came by the deadline.
    case timedOut
    /// The task was cancelled; no byte was taken.
    case cancelled
    /// The connection has ended and everything it had received from here on has been read.
    case closed(CloseReason)
    /// These bytes were acknowledged and are gone; the first that is left is at `earliest`.
    case released(earliest: UInt64)
    /// The offset lies beyond what has been received, which ends at `end`.
    case notYetWritten(end: UInt64)
}

/// Why bytes were not taken, or not acknowledged.
///
/// Bytes taken before the error stay taken: the upper bound of ``PeerConnection/sendRange`` tells
/// how many there were.
public enum WriteError: Error, Equatable {
    /// There was not room for all of it, or not everything was acknowledged, by the deadline.
    case timedOut
    /// The task was cancelled.
    case cancelled
    /// The connection has ended. What was not acknowledged by then may be lost.
    case closed(CloseReason)
    /// ``PeerConnection/finishWriting()`` has ended the stream.
    case finished
}

/// Why a message was not taken.
public enum MessageError: Error, Equatable {
    /// The connection has ended.
    case closed(CloseReason)
    /// The path takes messages of at most so many bytes now.
    case tooLong(maximum: Int)
    /// The peer takes no messages.
    case unsupported
}

/// Why a name could not be turned into addresses.
public enum ResolveError: Error, Equatable {
    /// The text is not `HOST:PORT`.
    case malformed(String)
    /// There is no host of this name, or it has no address.
    case notFound(String)
    /// The name service could not be asked; trying again may help.
    case temporaryFailure(String)
    /// As many look-ups as allowed are under way.
    case tooManyLookups(limit: Int)
    /// The task was cancelled. The look-up goes on and counts until it ends.
    case cancelled
    /// A system call or the resolver failed for another reason.
    case system(operation: String, code: Int32)
}
