import CLinux
import Synchronization

/// One UDP port with any number of peers.
///
/// All protocol work of a socket is done by one thread of its own; everything here can be called
/// from any task. The socket closes with ``close()`` or when the last reference to it goes away,
/// and all its connections with it: keep it for as long as they are to live.
public final class PeerSocket: Sendable {
    /// With the port in use.
    public let localAddress: SocketAddress
    public let identity: Identity
    private let mailbox: Mailbox
    private let inbound: InboundQueue
    private let figures: SocketFigures
    /// Finished when the thread has let go of everything.
    private let ended: Waiters
    let reach: UDPSocket.Reach

    /// Opens a socket.
    ///
    /// - Parameters:
    ///   - address: of this host. Port 0 picks one. `0.0.0.0` is every IPv4 address, `[::]` every
    ///     address of both families.
    ///   - configuration: holds for all connections of the socket; by default the usual limits and
    ///     a new identity.
    public static func listen(
        on address: SocketAddress,
        configuration: PeerSocketConfiguration = PeerSocketConfiguration(identity: Identity())
    ) throws(ListenError) -> PeerSocket {
        try PeerSocket(address, configuration)
    }

    private init(
        _ address: SocketAddress, _ configuration: PeerSocketConfiguration
    ) throws(ListenError) {
        let eventDescriptor = clinux_eventfd_create()
        guard eventDescriptor >= 0 else {
            throw .system(operation: "eventfd", errno: -eventDescriptor)
        }
        let mailbox = Mailbox(eventDescriptor: eventDescriptor)
        let inbound = InboundQueue(limit: configuration.acceptBacklog, mailbox: mailbox)
        let figures = SocketFigures()
        let ended = Waiters(mailbox: mailbox)
        let socket = try UDPSocket(bindingTo: address)
        socket.enableReceiveTrains()
        socket.enableReceiveCodepoints()
        let handover = NetworkLoopHandover(
            try NetworkLoop(
                socket: socket, configuration: configuration, mailbox: mailbox, inbound: inbound,
                figures: figures))
        localAddress = socket.localAddress
        identity = configuration.identity
        reach = socket.reach
        self.mailbox = mailbox
        self.inbound = inbound
        self.figures = figures
        self.ended = ended
        let status = BackgroundThread.start(name: "lrp2p-network") {
            handover.run(thenFinish: ended)
        }
        guard status == 0 else { throw .system(operation: "pthread_create", errno: status) }
    }

    deinit {
        mailbox.post(.stop)
    }

    /// Connects to a peer. Cancellation, the deadline and every error end the attempt at once, and
    /// nothing of it is left.
    ///
    /// - Parameters:
    ///   - address: where the peer's socket is.
    ///   - expecting: the only peer that will do. Another one is sent nothing but the handshake.
    ///   - deadline: the endpoint's handshake timeout holds besides.
    public func connect(
        to address: SocketAddress, expecting: PeerID? = nil,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(ConnectError) -> PeerConnection {
        guard reach.includes(address) else { throw .unusableAddress(address) }
        let attempt = ConnectAttempt(address: address, expected: expecting, mailbox: mailbox)
        switch mailbox.postConnect(attempt) {
        case .posted: break
        case .full: throw .connectionLimit
        case .closed: throw .socketClosed
        }
        let (result, isAbandoned) = await attempt.result(deadline: deadline)
        if isAbandoned { mailbox.post(.abandon(attempt)) }
        return try result.get()
    }

    /// The next inbound connection; each is handed out once. It may have closed by then, and can be
    /// read from all the same.
    public func accept(
        deadline: ContinuousClock.Instant? = nil
    ) async throws(AcceptError) -> PeerConnection {
        try await inbound.next(deadline: deadline)
    }

    /// Calls `handler` for every inbound connection instead of queueing it for
    /// ``accept(deadline:)``; those queued already are handed over by this
    /// call.
    ///
    /// For programs with a registry of their own. The handler runs on the network thread, so it
    /// must be quick and must not wait. It is kept until the socket closes: it should not own the
    /// socket.
    public func onInbound(_ handler: @escaping @Sendable (PeerConnection) -> Void) {
        inbound.setHandler(handler)
    }

    /// As of some milliseconds ago at most, a little longer with thousands of connections.
    public var statistics: EndpointStatistics { figures.statistics.withLock { $0 } }

    /// Datagrams that could not be sent because the kernel refused them: no route, a firewall, or
    /// too large for the path. The protocol sends their contents again, like that of lost ones.
    public var sendFailures: UInt64 { figures.sendFailures.load(ordering: .relaxed) }

    /// Ends all connections (``CloseReason/local``), resumes all waiting tasks, frees the port.
    /// Idempotent; returns when all of it is done, even in a cancelled task.
    public func close() async {
        mailbox.post(.stop)
        await ended.waitUntilFinished()
    }
}
