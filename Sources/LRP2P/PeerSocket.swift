import Synchronization
import Threads

/// One UDP port with any number of peers.
///
/// All protocol work of a socket is done by threads of its own, one or as many as
/// ``PeerSocketConfiguration/sockets`` says; everything here can be called from any task. The socket
/// closes with ``close()`` or when the last reference to it goes away, and all its connections with
/// it: keep it for as long as they are to live.
public final class PeerSocket: Sendable {
    /// With the port in use.
    public let localAddress: SocketAddress
    /// Who this socket is to its peers.
    public let identity: Identity
    /// Which peers there may be connections with; can be changed at any time.
    public let admission: PeerAdmission
    /// The limits and timers in force, and the memory budget of the buffers.
    public let endpointConfiguration: EndpointConfiguration
    private let shards: [NetworkShard]
    private let inbound: InboundQueue
    /// When the threads have let go of everything.
    private let end: EndOfThreads
    /// Counts the calls of ``connect(to:expecting:deadline:)``, for the threads to take turns.
    private let connects = Atomic<UInt64>(0)
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
        try PeerSocket(address, configuration, selectsInKernel: true)
    }

    /// - Parameter selectsInKernel: see ``UDPSocket/bind(_:to:selectsInKernel:)``.
    init(
        _ address: SocketAddress, _ configuration: PeerSocketConfiguration, selectsInKernel: Bool
    ) throws(ListenError) {
        let count = configuration.sockets
        precondition(
            PeerSocketConfiguration.allowedSockets.contains(count), "sockets: 1...64, not \(count)")
        let sockets = try UDPSocket.bind(
            count, to: address, selectsInKernel: selectsInKernel)
        var shards: [NetworkShard] = []
        for _ in sockets { shards.append(try NetworkShard()) }
        let mailbox = shards[0].mailbox
        let inbound = InboundQueue(limit: configuration.acceptBacklog, mailbox: mailbox)
        let end = EndOfThreads(of: count, mailbox: mailbox)
        localAddress = sockets[0].localAddress
        identity = configuration.identity
        admission = configuration.admission
        endpointConfiguration = configuration.endpoint
        reach = sockets[0].reach
        self.shards = shards
        self.inbound = inbound
        self.end = end
        var loops: [NetworkLoopTransfer] = []
        for (index, socket) in sockets.enumerated() {
            loops.append(NetworkLoopTransfer(
                try NetworkLoop(
                    socket: socket, configuration: configuration, shards: shards, index: index,
                    inbound: inbound)))
        }
        for (index, loop) in loops.enumerated() {
            let status = BackgroundThread.start(name: "lrp2p-net-\(index)") {
                loop.run(thenCountDown: end)
            }
            // What has been started is stopped as the initialiser fails: see `deinit`.
            guard status == 0 else { throw .system(operation: "pthread_create", errno: status) }
        }
    }

    deinit {
        stop()
    }

    private func stop() {
        for shard in shards { shard.mailbox.post(.stop) }
    }

    /// Connects to a peer. Cancellation, the deadline and every error end the attempt at once, and
    /// nothing of it is left.
    ///
    /// - Parameters:
    ///   - address: where the peer's socket is.
    ///   - expecting: the only peer that will do. Another one is sent nothing but the handshake.
    ///   - congestionControl: how this connection's sending adapts to the path; `nil` for what the
    ///     socket's configuration says.
    ///   - deadline: the endpoint's handshake timeout holds besides.
    public func connect(
        to address: SocketAddress, expecting: PeerID? = nil,
        congestionControl: CongestionControlAlgorithm? = nil,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(ConnectError) -> PeerConnection {
        guard reach.includes(address) else { throw .unusableAddress(address) }
        let turn = connects.add(1, ordering: .relaxed).oldValue
        let mailbox = shards[Int(turn % UInt64(shards.count))].mailbox
        let attempt = ConnectAttempt(
            address: address, expected: expecting, congestionControl: congestionControl,
            mailbox: mailbox)
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
    /// For programs with a registry of their own. The handler runs on the network threads, on
    /// several at a time when there are several, so it must be quick and must not wait. It is kept
    /// until the socket closes: it should not own the socket.
    public func onInbound(_ handler: @escaping @Sendable (PeerConnection) -> Void) {
        inbound.setHandler(handler)
    }

    /// As of some milliseconds ago at most, a little longer with thousands of connections.
    public var statistics: EndpointStatistics {
        shards.reduce(EndpointStatistics()) { sum, shard in
            sum + shard.figures.statistics.withLock { $0 }
        }
    }

    /// Datagrams that could not be sent because the kernel refused them: no route, a firewall, or
    /// too large for the path. The protocol sends their contents again, like that of lost ones.
    public var sendFailures: UInt64 {
        shards.reduce(0) { $0 + $1.figures.sendFailures.load(ordering: .relaxed) }
    }

    /// Datagrams that one network thread received for another.
    var handedOver: UInt64 {
        shards.reduce(0) { $0 + $1.figures.handedOver.load(ordering: .relaxed) }
    }

    /// Ends all connections as ``PeerConnection/close(code:)`` does, resumes all waiting tasks, frees
    /// the port. Idempotent; returns when all of it is done, even in a cancelled task.
    public func close() async {
        stop()
        await end.wait()
    }
}
