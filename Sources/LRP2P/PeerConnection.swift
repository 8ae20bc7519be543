import Synchronization

/// A reliable, encrypted stream of bytes in each direction between this node and a peer.
///
/// Any task may call anything at any time. Of several tasks that write, one at a time does
/// (``write(_:deadline:)``); several that read with ``read(maxBytes:deadline:)`` share the bytes
/// out among them, several that ``peek(at:maxBytes:deadline:)`` each see all of them.
///
/// A `deadline` ends the wait, nothing else: what needs no wait is done even when it has passed.
/// Without one a call waits until it is done, the connection ends, or the task is cancelled.
///
/// A connection stays open until either side closes it or the peer is silent for the idle timeout,
/// whether or not the application keeps a reference to it.
public final class PeerConnection: Sendable {
    /// Local and never used again by the same socket; not the one on the wire.
    public let id: UInt64
    /// Which side has begun the connection.
    public let role: Role
    /// X25519, 32 bytes. The handshake has proved that the peer has the private half.
    public let remotePublicKey: [UInt8]
    /// The name of ``remotePublicKey``.
    public let remotePeerID: PeerID
    /// Whether both sides speak the extended protocol: streams can end, messages be sent, and the
    /// peer's address may change.
    public let isExtended: Bool
    /// What both sides have agreed to speak
    /// (``/LRP2PCore/EndpointConfiguration/applicationProtocols``); `nil` when they have none in
    /// common.
    public let applicationProtocol: String?
    /// How sending adapts to the path; settled when the connection began.
    public let congestionControl: CongestionControlAlgorithm
    /// The peer is told that its bytes have arrived when ``confirmDelivery(upTo:)`` says so
    /// (``/LRP2PCore/EndpointConfiguration/confirmsDelivery``).
    public let confirmsDelivery: Bool

    let sendRing: StreamRing
    let receiveRing: StreamRing
    /// Makes reading tasks one consumer of ``receiveRing``, which the ring asks for.
    let consumer = Mutex(())
    let writer = Mutex(WriterState())
    /// Messages on their way from the application to the network thread, and back.
    let outgoing = Mutex(MessageQueue())
    let incoming = Mutex(MessageQueue())

    /// At the end of what was received; finished when closed.
    let received: Waiters
    /// At the end of what the peer has acknowledged, the end of the stream counting as one byte;
    /// finished when closed.
    let acknowledged: Waiters
    /// At the end of what has left at least once; finished when closed.
    let sent: Waiters
    /// Counts the ends of writes; finished when closed.
    let writerTurns: Waiters
    /// Counts the messages received; finished when closed.
    let arrivals: Waiters
    /// Counts the changes of the peer's address; finished when closed.
    private let moves: Waiters
    /// Finished when the peer's stream has ended, or when closed.
    private let receivingEnd: Waiters
    /// Finished when closed.
    private let end: Waiters

    struct WriterState {
        /// Some task is in the middle of writing: the one producer of ``sendRing``.
        var isWriting = false
        /// No task may begin to write any more.
        var isFinished = false
    }

    struct Published {
        var remoteAddress: SocketAddress
        var statistics: ConnectionStatistics
        var maximumMessageBytes: Int?
        var closeReason: CloseReason?
        var resetCode: ResetCode?
        /// For the peer.
        var ownResetCode = ResetCode.closed
        /// The peer's stream has ended, and all of it was received.
        var isRemoteFinished = false
        /// Where the stream ended for the reader.
        var receivedEnd: UInt64?
    }

    let published: Mutex<Published>
    private let mailbox: Mailbox

    /// What the network thread is to look at. Nonzero exactly while a command to do so is under
    /// way, so that a connection takes up one place in the mailbox at most.
    private let attention = Atomic<UInt8>(0)

    /// What the application has confirmed, the end of the stream counting as one byte.
    let confirmedUpTo = Atomic<UInt64>(0)

    struct Attention: OptionSet {
        let rawValue: UInt8
        static let written = Attention(rawValue: 1)
        static let read = Attention(rawValue: 2)
        static let close = Attention(rawValue: 4)
        static let finish = Attention(rawValue: 8)
        static let message = Attention(rawValue: 16)
        static let confirmed = Attention(rawValue: 32)
    }

    /// Network thread, after the handshake.
    init(_ connection: Connection, mailbox: Mailbox) {
        id = connection.id
        role = connection.role
        remotePublicKey = connection.remoteStaticKey
        remotePeerID = PeerID(publicKey: connection.remoteStaticKey)
        isExtended = connection.isExtended
        applicationProtocol = connection.applicationProtocol
        congestionControl = connection.congestionControl
        confirmsDelivery = connection.confirmsDelivery
        sendRing = connection.sendRing
        receiveRing = connection.receiveRing
        self.mailbox = mailbox
        received = Waiters(mailbox: mailbox, reached: connection.receiveRing.endPosition)
        acknowledged = Waiters(mailbox: mailbox, reached: connection.sendRing.startPosition)
        sent = Waiters(mailbox: mailbox)
        writerTurns = Waiters(mailbox: mailbox)
        arrivals = Waiters(mailbox: mailbox)
        moves = Waiters(mailbox: mailbox)
        receivingEnd = Waiters(mailbox: mailbox)
        end = Waiters(mailbox: mailbox)
        published = Mutex(Published(
            remoteAddress: connection.remoteAddress, statistics: connection.statistics,
            maximumMessageBytes: connection.maximumMessageBytes))
    }

    /// Where the peer is now: it may move to another port or host, unless it is a base peer.
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

    /// What the peer said when it reset the connection (``/LRP2PCore/CloseReason/reset``); `nil`
    /// before, and for every other end.
    public var resetCode: ResetCode? { published.withLock { $0.resetCode } }

    /// Waits until the connection is closed. `nil` when the deadline or a cancellation came first.
    public func waitUntilClosed(deadline: ContinuousClock.Instant? = nil) async -> CloseReason? {
        _ = await end.wait(until: .max, deadline: deadline)
        return closeReason
    }

    /// Waits until no byte will come any more: ``isRemoteFinished``, or closed. Costs nothing while
    /// bytes arrive. Returns early when the task is cancelled.
    public func waitUntilReceivingEnds() async {
        _ = await receivingEnd.wait(until: .max, deadline: nil)
    }

    /// Waits until the peer is somewhere else than at `address`, and tells where; of several moves
    /// at once it tells the last. `nil` when the connection has closed or the task is cancelled.
    public func waitUntilMoved(from address: SocketAddress) async -> SocketAddress? {
        while true {
            let count = moves.reached, current = remoteAddress
            if current != address { return current }
            guard await moves.wait(until: count + 1, deadline: nil) == .reached else { return nil }
        }
    }

    /// Closes at once; idempotent. Waiting tasks are resumed, and what was received can still be
    /// read.
    ///
    /// Some of what is waiting may still be sent, once. Bytes not yet acknowledged by the peer may
    /// never reach it: ``drain(deadline:)`` first when they matter. The peer is told at once, except
    /// in the base protocol, which has no sign for an end: there it finds out by its idle timeout.
    ///
    /// - Parameter code: what the peer is told (``resetCode``); those from
    ///   ``/LRP2PCore/ResetCode/firstOfApplication`` on mean what the application wants.
    public func close(code: ResetCode = .closed) {
        if finish(.local, ownResetCode: code) { notify(.close) }
    }

    // MARK: - Between application and network thread

    /// Network thread: the peer's stream is complete.
    func remoteFinished() {
        published.withLock { $0.isRemoteFinished = true }
        received.finish()
        receivingEnd.finish()
    }

    /// Network thread: the peer has everything before `position`.
    ///
    /// - Parameter end: and knows that nothing follows.
    func noteAcknowledged(upTo position: UInt64, end: Bool) {
        acknowledged.advance(to: position + (end ? 1 : 0))
    }

    /// Network thread: what to tell the peer when the connection is closed.
    var ownResetCode: ResetCode { published.withLock { $0.ownResetCode } }

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
        var statistics = connection.statistics
        statistics.messagesDropped += messagesDropped
        let address = connection.remoteAddress, maximum = connection.maximumMessageBytes
        let resetCode = connection.resetCode
        let hasMoved = published.withLock { published in
            defer { published.remoteAddress = address }
            published.statistics = statistics
            published.maximumMessageBytes = maximum
            published.resetCode = resetCode
            return published.remoteAddress != address
        }
        if hasMoved { moves.advance() }
        sent.advance(to: statistics.sentBytes)
    }

    /// Ends the connection for the application. Returns false when it had ended before.
    @discardableResult
    func finish(_ reason: CloseReason, ownResetCode: ResetCode = .closed) -> Bool {
        let isFirst = published.withLock { published in
            guard published.closeReason == nil else { return false }
            published.closeReason = reason
            published.ownResetCode = ownResetCode
            published.receivedEnd = receiveRing.endPosition
            return true
        }
        guard isFirst else { return false }
        for waiters in [
            received, acknowledged, sent, writerTurns, arrivals, moves, receivingEnd, end,
        ] {
            waiters.finish()
        }
        return true
    }
}
