import CLinux
import Glibc
import LRP2P
import LRP2PSimulation

/// What a relay has done, per direction.
struct RelayCounters: Sendable, Equatable {
    struct Direction: Sendable, Equatable {
        var received = 0
        var sent = 0
        var lost = 0
        var duplicated = 0
        /// No room at the bottleneck, or more datagrams under way than ``DelayLine`` holds.
        var queueFull = 0
        /// Too long, or refused by the kernel.
        var failed = 0
    }
    /// From clients to the target.
    var upstream = Direction()
    var downstream = Direction()
    /// Datagrams of clients beyond the limit.
    var refusedClients = 0
}

/// A disturbed link in user space: takes datagrams on one socket, passes them on to a target from
/// one socket per client, and the answers back; each direction by its own ``Link``.
///
/// Not thread-safe; ``run()`` occupies a thread of its own.
final class Relay {
    /// Client addresses served at a time; datagrams of further ones are dropped.
    static let maximumClients = 1024
    /// A client not heard of in either direction for this long is forgotten.
    static let idleExpiry = Interval.seconds(120)
    private static let expiryCheckInterval = Interval.seconds(10)
    private static let eventsPerTurn = 16
    /// A longer datagram is lost, as on any link that does not take it.
    static let maximumDatagramBytes = 2048

    private final class Client {
        let address: SocketAddress
        let socket: UDPSocket
        var lastHeard: Instant

        init(address: SocketAddress, socket: UDPSocket, now: Instant) {
            self.address = address
            self.socket = socket
            lastHeard = now
        }
    }

    private enum Direction { case upstream, downstream }
    private typealias Route = (direction: Direction, client: Client)

    private enum Token {
        static let listener: UInt64 = 0
        static let stop: UInt64 = 1
        static let firstClient: UInt64 = 2
    }

    private let listener: UDPSocket
    private let target: SocketAddress
    private let stopDescriptor: Int32
    private let poller: Int32
    private let start = MonotonicClock.now
    private var upstream: Link
    private var downstream: Link
    private var delayLine = DelayLine<Route>(slotBytes: Relay.maximumDatagramBytes)
    private var clients: [UInt64: Client] = [:]
    private var tokens: [SocketAddress: UInt64] = [:]
    private var nextToken = Token.firstClient
    private var nextExpiryCheck = MonotonicClock.now + Relay.expiryCheckInterval
    private var receiving: ReceiveBatch
    private var sending: SendBatch
    private(set) var counters = RelayCounters()

    /// - Parameter stopDescriptor: becomes readable when ``run()`` is to return.
    init(
        listen: SocketAddress, target: SocketAddress, conditions: LinkConditions, seed: UInt64,
        stopDescriptor: Int32
    ) throws(ListenError) {
        listener = try UDPSocket(bindingTo: listen)
        listener.enableReceiveTrains()
        self.target = target
        self.stopDescriptor = stopDescriptor
        upstream = Link(conditions: conditions, seed: seed, name: "upstream")
        downstream = Link(conditions: conditions, seed: seed, name: "downstream")
        receiving = try ReceiveBatch(capacity: 32)
        sending = try SendBatch()
        poller = clinux_epoll_create()
        guard poller >= 0 else { throw .system(operation: "epoll_create1", errno: -poller) }
        try watch(listener.descriptor, Token.listener)
        try watch(stopDescriptor, Token.stop)
    }

    deinit {
        close(poller)
    }

    var localAddress: SocketAddress { listener.localAddress }

    private func watch(_ descriptor: Int32, _ token: UInt64) throws(ListenError) {
        let status = clinux_epoll_watch(poller, descriptor, token, true, false, true)
        guard status == 0 else { throw .system(operation: "epoll_ctl", errno: -status) }
    }

    /// Relays until it is told to stop.
    func run() {
        var ready = [clinux_ready](repeating: clinux_ready(), count: Relay.eventsPerTurn)
        while true {
            let wake = min(delayLine.first?.due ?? nextExpiryCheck, nextExpiryCheck)
            let timeout = max(0, (wake - MonotonicClock.now).nanoseconds)
            let count = clinux_epoll_wait(poller, &ready, Int32(ready.count), timeout)
            for event in ready.prefix(Int(count)) {
                switch event.token {
                case Token.stop: return
                case Token.listener: receiveFromClients()
                default: if let client = clients[event.token] { receiveFromTarget(client) }
                }
            }
            sendDue()
            forgetIdleClients()
        }
    }

    // MARK: Receiving

    private func receiveFromClients() {
        let now = MonotonicClock.now
        for slot in 0..<receiving.receive(from: listener) {
            let isWhole = receiving.forEachDatagram(in: slot) { datagram, source in
                guard let client = client(for: source, now: now) else {
                    counters.refusedClients += 1
                    return
                }
                client.lastHeard = now
                pass(datagram, (.upstream, client), &upstream, &counters.upstream, now: now)
            }
            if !isWhole { counters.upstream.failed += 1 }
        }
    }

    private func receiveFromTarget(_ client: Client) {
        let now = MonotonicClock.now
        for slot in 0..<receiving.receive(from: client.socket) {
            let isWhole = receiving.forEachDatagram(in: slot) { datagram, source in
                // Nobody else knows this socket; whoever guesses it is not the target.
                guard source == target else { return }
                client.lastHeard = now
                pass(datagram, (.downstream, client), &downstream, &counters.downstream, now: now)
            }
            if !isWhole { counters.downstream.failed += 1 }
        }
    }

    private func pass(
        _ datagram: UnsafeMutableRawBufferPointer, _ route: Route, _ link: inout Link,
        _ counters: inout RelayCounters.Direction, now: Instant
    ) {
        counters.received += 1
        guard datagram.count <= Relay.maximumDatagramBytes else {
            counters.failed += 1
            return
        }
        let fate = link.send(
            UnsafeRawBufferPointer(datagram), now: now, elapsed: now - start
        ) { bytes, arrival in
            if !delayLine.insert(bytes, route: route, due: arrival.time) { counters.queueFull += 1 }
        }
        switch fate {
        case .carried(let copies, _): counters.duplicated += copies - 1
        case .dropped(.queueFull): counters.queueFull += 1
        case .dropped: counters.lost += 1
        }
    }

    // MARK: Sending

    private func sendDue() {
        let now = MonotonicClock.now
        while let entry = delayLine.popDue(now: now, into: sending.nextSlot) {
            let (direction, client) = entry.route
            let socket = direction == .upstream ? client.socket : listener
            sending.append(
                length: entry.length, to: direction == .upstream ? target : client.address,
                from: socket)
            // One system call serves one socket, so what goes on by another must wait for the next.
            if sending.isFull || !isNext(entry.route, now: now) { flush(entry.route, socket) }
        }
    }

    /// Whether the next due datagram leaves by the same socket.
    private func isNext(_ route: Route, now: Instant) -> Bool {
        guard let next = delayLine.first, next.due <= now,
            next.route.direction == route.direction
        else { return false }
        return route.direction == .downstream || next.route.client === route.client
    }

    private func flush(_ route: Route, _ socket: UDPSocket) {
        let (sent, failed) = sending.flushOrDiscard(to: socket)
        if route.direction == .upstream {
            counters.upstream.sent += sent
            counters.upstream.failed += failed
        } else {
            counters.downstream.sent += sent
            counters.downstream.failed += failed
        }
    }

    // MARK: Clients

    private func client(for address: SocketAddress, now: Instant) -> Client? {
        if let token = tokens[address] { return clients[token] }
        guard clients.count < Relay.maximumClients else { return nil }
        let any = target.family == .ipv4
            ? SocketAddress(ipv4: 0, port: 0) : SocketAddress(ipv6High: 0, low: 0, port: 0)
        guard let socket = try? UDPSocket(bindingTo: any) else { return nil }
        socket.enableReceiveTrains()
        let token = nextToken
        guard (try? watch(socket.descriptor, token)) != nil else { return nil }
        nextToken += 1
        let client = Client(address: address, socket: socket, now: now)
        tokens[address] = token
        clients[token] = client
        return client
    }

    /// Closing a socket takes it off the poller.
    private func forgetIdleClients() {
        let now = MonotonicClock.now
        guard now >= nextExpiryCheck else { return }
        nextExpiryCheck = now + Relay.expiryCheckInterval
        for (token, client) in clients where now - client.lastHeard > Relay.idleExpiry {
            clients[token] = nil
            tokens[client.address] = nil
        }
    }
}
