import CLinux
import Glibc
import Sodium

/// What one network thread does: it owns the protocol's state, and moves datagrams, commands and
/// events in and out of it.
///
/// Each turn takes a bounded number of datagrams from the socket, all commands, and sends a bounded
/// number; so neither of them can starve the others. A turn in which nothing happened ends in
/// sleep, unless it is likely to be a short one (see ``Vigilance``).
final class NetworkLoop {
    /// Slots per receiving system call; each holds one datagram or a train of them.
    private static let receiveSlots = 32
    /// Datagrams received before their acknowledgements are sent.
    static let datagramsBetweenSends = 64
    /// Nor is more time spent on receiving, if it can be helped.
    private static let longestWithoutSend = Interval.microseconds(100)
    /// Sending system calls in a row; each takes up to 192 KiB, so it is about a millisecond until
    /// what arrives is looked at again.
    private static let sendCallsPerTurn = 2
    /// Published figures are at least this old before they are replaced.
    private static let publicationInterval = Interval.milliseconds(5)
    /// Publishing takes one part in so many of the thread's time at most.
    private static let publicationShare: Int64 = 20
    /// A sleep shorter than this is not worth the system call: it looks again instead.
    private static let shortestSleep = Interval.microseconds(10)

    /// A connection of the core with whoever it belongs to.
    struct Record {
        enum Owner {
            case attempt(ConnectAttempt)
            case application(PeerConnection)
        }
        let connection: Connection
        var owner: Owner
    }

    let endpoint: Endpoint
    let mailbox: Mailbox
    let inbound: InboundQueue
    let admission: PeerAdmission
    /// All that share the port, this one too, by the remainder of the connection ids they have.
    let shards: [NetworkShard]
    let index: Int
    let shard: NetworkShard
    /// Bit i: the shard i has been passed datagrams and not been told yet.
    var shardsToRing: UInt64 = 0
    var handedOver = HandoverQueue.Contents()
    private let socket: UDPSocket
    private let poller: Poller
    private let receiving: ReceiveBatch
    private var sending: SendBatch
    private var commands: [Command] = []
    /// By the core's connection id. As many as the endpoint's limit on connections.
    var records: [UInt64: Record] = [:]
    private var isStopping = false
    private var hasUnpublishedChanges = false
    private var nextPublication = MonotonicClock.now

    init(
        socket: UDPSocket, configuration: PeerSocketConfiguration, shards: [NetworkShard],
        index: Int, inbound: InboundQueue
    ) throws(ListenError) {
        self.socket = socket
        self.shards = shards
        self.index = index
        self.inbound = inbound
        admission = configuration.admission
        shard = shards[index]
        mailbox = shard.mailbox
        poller = try Poller(socket: socket, eventDescriptor: mailbox.eventDescriptor)
        receiving = try ReceiveBatch(capacity: NetworkLoop.receiveSlots)
        sending = try SendBatch()
        endpoint = Endpoint(
            configuration: configuration.endpoint(ofShard: index),
            staticPrivateKey: configuration.identity.keyAgreementKey,
            random: { Sodium.fillWithRandomBytes($0) })
    }

    /// Runs until it is told to stop.
    func run() {
        clinux_sharpen_timers()
        var vigilance = Vigilance()
        while true {
            var isBusy = handleCommands()
            if isStopping { break }
            // A writer waits for what it wrote to leave: before what is not yet here.
            if isBusy { transmit() }
            isBusy = receive() || isBusy
            let now = MonotonicClock.now
            if let deadline = endpoint.nextDeadline(now: now), deadline <= now {
                endpoint.handleDeadline(now: now)
            }
            mailbox.expireDeadlines(now: now)
            isBusy = dispatchEvents(now: now) || isBusy
            isBusy = transmit() || isBusy
            hasUnpublishedChanges = hasUnpublishedChanges || isBusy
            publishIfDue(now: now)
            if isBusy {
                vigilance.sawWork()
            } else if vigilance.keepsLooking(now: now) {
                // Whoever is to make the work may need this core.
                sched_yield()
            } else {
                sleep()
            }
        }
        shutDown()
    }

    /// Takes in what other threads have for this one.
    private func handleCommands() -> Bool {
        let hasDatagrams = mailbox.take(&commands)
        if hasDatagrams { takeHandedOver() }
        guard !commands.isEmpty else { return hasDatagrams }
        let now = MonotonicClock.now
        for command in commands {
            if case .stop = command { isStopping = true } else { handle(command, now: now) }
        }
        return true
    }

    private func receive() -> Bool {
        let count = receiving.receive(from: socket)
        var sinceSend = 0
        var lastSend = MonotonicClock.now
        for slot in 0..<count {
            let now = MonotonicClock.now
            // A handshake takes as long as a hundred packets: the peer should not wait for the
            // answers to all of a batch.
            if sinceSend > 0, now - lastSend >= NetworkLoop.longestWithoutSend {
                sinceSend = 0
                lastSend = now
                transmit()
            }
            let ecn = receiving.codepoint(in: slot)
            let isWhole = receiving.forEachDatagram(in: slot) { datagram, source in
                take(datagram, from: source, ecn: ecn, now: now)
                sinceSend += 1
            }
            if !isWhole { endpoint.countDrop(.tooLong) }
            if sinceSend >= NetworkLoop.datagramsBetweenSends {
                sinceSend = 0
                lastSend = now
                transmit()
            }
        }
        ringShards()
        return count > 0
    }

    /// Sends what there is, up to a bound. While the socket takes no more the core is not asked for
    /// more: nothing piles up between the two.
    @discardableResult
    func transmit() -> Bool {
        var hasSent = false
        for _ in 0..<NetworkLoop.sendCallsPerTurn {
            guard sending.isEmpty || flush() else { return hasSent }
            sending.fill(from: endpoint, for: socket, now: MonotonicClock.now)
            if sending.isEmpty { return hasSent }
            let wasFull = sending.isFull
            hasSent = true
            guard flush(), wasFull else { return hasSent }
        }
        return hasSent
    }

    private func flush() -> Bool {
        let failuresBefore = sending.failures
        defer {
            if sending.failures != failuresBefore {
                shard.figures.sendFailures.store(sending.failures, ordering: .relaxed)
            }
        }
        return sending.flush(to: socket)
    }

    private func sleep() {
        let now = MonotonicClock.now
        var deadline = endpoint.nextDeadline(now: now) ?? .distantFuture
        if hasUnpublishedChanges {
            deadline = min(deadline, nextPublication)
        }
        guard deadline - now >= NetworkLoop.shortestSleep,
            let until = mailbox.prepareToSleep(until: deadline)
        else { return }
        let timeout = until == .distantFuture ? nil : until - now
        poller.wait(timeout, forWritable: !sending.isEmpty)
    }

    private func publishIfDue(now: Instant) {
        guard hasUnpublishedChanges, now >= nextPublication else { return }
        publish()
        hasUnpublishedChanges = false
        let end = MonotonicClock.now
        nextPublication = end
            + max(NetworkLoop.publicationInterval, (end - now) * NetworkLoop.publicationShare)
    }

    private func publish() {
        let statistics = endpoint.statistics
        shard.figures.statistics.withLock { $0 = statistics }
        endpoint.takeChanged { connection in
            if case .application(let peer)? = records[connection.id]?.owner {
                peer.publish(connection)
            }
        }
    }

    private func shutDown() {
        // What was written last has the chance to leave.
        transmit()
        publish()
        closeConnections()
        for case .connect(let attempt) in mailbox.close() {
            attempt.finish(.failure(.socketClosed))
        }
        for record in records.values {
            switch record.owner {
            case .attempt(let attempt): attempt.finish(.failure(.socketClosed))
            case .application(let peer): peer.finish(.local)
            }
        }
        records = [:]
        inbound.close()
    }

    /// Tells the peers, so many at a time that the socket's buffer and the core's queue take it.
    private func closeConnections() {
        let now = MonotonicClock.now
        var sinceSend = 0
        for record in records.values {
            endpoint.close(record.connection, now: now)
            sinceSend += 1
            if sinceSend >= NetworkLoop.datagramsBetweenSends {
                sinceSend = 0
                transmit()
            }
        }
        transmit()
    }
}
