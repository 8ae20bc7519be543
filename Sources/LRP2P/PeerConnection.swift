import Synchronization

/// A reliable, encrypted stream of bytes in each direction between this node and a peer.
///
/// Any task may call anything at any time. Of several tasks that write, one at a time does
/// (``write(_:deadline:)``); several that read with ``read(maxBytes:deadline:)`` share the bytes
/// out among them, several that ``peek(at:maxBytes:deadline:)`` each see all of them.
///
/// A connection stays open until either side closes it or the peer is silent for the idle timeout,
/// whether or not the application keeps a reference to it.
public final class PeerConnection: Sendable {
    /// Local and never used again by the same socket; not the one on the wire.
    public let id: UInt64
    public let role: Role
    /// X25519, 32 bytes. The handshake has proved that the peer has the private half.
    public let remotePublicKey: [UInt8]
    public let remotePeerID: PeerID

    let sendRing: StreamRing
    let receiveRing: StreamRing
    /// Makes reading tasks one consumer of ``receiveRing``, which the ring asks for.
    let consumer = Mutex(())
    /// Whether some task is in the middle of writing: the one producer of ``sendRing``.
    let isWriting = Mutex(false)

    /// At the end of what was received; finished when closed.
    let received: Waiters
    /// At the end of what the peer has acknowledged; finished when closed.
    let acknowledged: Waiters
    /// Counts the ends of writes; finished when closed.
    let writerTurns: Waiters
    /// Finished when closed.
    private let end: Waiters

    private struct Published {
        var remoteAddress: SocketAddress
        var statistics: ConnectionStatistics
        var closeReason: CloseReason?
        /// The peer's stream has ended, and all of it was received.
        var isRemoteFinished = false
        /// Where the stream ended for the reader.
        var receivedEnd: UInt64?
    }

    private let published: Mutex<Published>
    private let mailbox: Mailbox

    let isWritingFinished = Atomic<Bool>(false)

    /// What the network thread is to look at. Nonzero exactly while a command to do so is under
    /// way, so that a connection takes up one place in the mailbox at most.
    private let attention = Atomic<UInt8>(0)

    struct Attention: OptionSet {
        let rawValue: UInt8
        static let written = Attention(rawValue: 1)
        static let read = Attention(rawValue: 2)
        static let close = Attention(rawValue: 4)
        static let finish = Attention(rawValue: 8)
    }

    /// Network thread, after the handshake.
    init(_ connection: Connection, mailbox: Mailbox) {
        id = connection.id
        role = connection.role
        remotePublicKey = connection.remoteStaticKey
        remotePeerID = PeerID(publicKey: connection.remoteStaticKey)
        sendRing = connection.sendRing
        receiveRing = connection.receiveRing
        self.mailbox = mailbox
        received = Waiters(mailbox: mailbox, reached: connection.receiveRing.endPosition)
        acknowledged = Waiters(mailbox: mailbox, reached: connection.sendRing.startPosition)
        writerTurns = Waiters(mailbox: mailbox)
        end = Waiters(mailbox: mailbox)
        published = Mutex(Published(
            remoteAddress: connection.remoteAddress, statistics: connection.statistics))
    }

    public var remoteAddress: SocketAddress { published.withLock { $0.remoteAddress } }

    /// As of some milliseconds ago at most, a little longer with thousands of connections. Final as
    /// soon after the close.
    public var statistics: ConnectionStatistics { published.withLock { $0.statistics } }

    /// The end of what can be read. After the connection has closed it stays where it is, though
    /// the network thread may take in a little more before it learns of a local close.
    var receivedEnd: UInt64 {
        published.withLock { $0.receivedEnd } ?? receiveRing.endPosition
    }

    /// The peer has ended its stream, and all of it has been received; reading to the end of it
    /// gives no bytes then. Only between peers of the extended protocol.
    public var isRemoteFinished: Bool { published.withLock { $0.isRemoteFinished } }

    /// `nil` while open.
    public var closeReason: CloseReason? { published.withLock { $0.closeReason } }

    /// Waits until the connection is closed. `nil` when the deadline or a cancellation came first.
    public func waitUntilClosed(deadline: ContinuousClock.Instant? = nil) async -> CloseReason? {
        _ = await end.wait(until: .max, deadline: deadline)
        return closeReason
    }

    /// Closes at once; idempotent. Waiting tasks are resumed, and what was received can still be
    /// read.
    ///
    /// Some of what is waiting may still be sent, once. Bytes not yet acknowledged by the peer may
    /// never reach it: ``drain(deadline:)`` first when they matter. The peer is told at once, except
    /// in the base protocol, which has no sign for an end: there it finds out by its idle timeout.
    public func close() {
        if finish(.local) { notify(.close) }
    }

    /// Ends our stream after what has been written: the peer reads up to there and learns that
    /// there is no more. Its stream goes on. When both have ended the connection closes by itself
    /// (``CloseReason/finished``). Writing afterwards throws ``WriteError/finished``; idempotent.
    /// Towards a base peer, which has no word for it, it only keeps us from writing.
    public func finishWriting() {
        guard isWritingFinished.exchange(true, ordering: .acquiringAndReleasing) == false
        else { return }
        notify(.finish)
    }

    // MARK: - Between application and network thread

    /// Network thread: the peer's stream is complete.
    func remoteFinished() {
        published.withLock { $0.isRemoteFinished = true }
        received.finish()
    }

    func notify(_ attention: Attention) {
        let before = self.attention.bitwiseOr(
            attention.rawValue, ordering: .acquiringAndReleasing
        ).oldValue
        if before == 0 { mailbox.post(.attend(self)) }
    }

    /// Network thread: what to look at. A change after this brings a new command.
    func takeAttention() -> Attention {
        Attention(rawValue: attention.exchange(0, ordering: .acquiringAndReleasing))
    }

    /// Network thread: replaces the figures others see.
    func publish(_ connection: Connection) {
        let statistics = connection.statistics
        let address = connection.remoteAddress
        published.withLock {
            $0.statistics = statistics
            $0.remoteAddress = address
        }
    }

    /// Ends the connection for the application. Returns false when it had ended before.
    @discardableResult
    func finish(_ reason: CloseReason) -> Bool {
        let isFirst = published.withLock { published in
            guard published.closeReason == nil else { return false }
            published.closeReason = reason
            published.receivedEnd = receiveRing.endPosition
            return true
        }
        guard isFirst else { return false }
        for waiters in [received, acknowledged, writerTurns, end] { waiters.finish() }
        return true
    }
}
