import CLinux
import Glibc
import Synchronization

/// Watches the sockets that libmicrohttpd does not: those of suspended connections, for clients
/// that leave, and those of connections that end before the client has sent its whole body.
///
/// One thread with an epoll set of its own.
final class ConnectionMonitor: Sendable {
    fileprivate enum Watched: Sendable {
        case exchange(Exchange, socket: Int32)
        case lingering(LingeringSocket)
    }

    fileprivate struct State {
        var watched: [UInt64: Watched] = [:]
        /// The key under which a socket of a suspended connection is watched.
        var keys: [Int32: UInt64] = [:]
        /// Events name keys, not sockets: the number of a closed socket is soon another one's.
        var nextKey: UInt64 = 1
        var lingering = 0
        var stops = false
    }

    private static let wakeKey: UInt64 = 0
    private static let eventsPerWait = 64
    /// Between two looks at nothing. Everything that is to be seen sooner signals.
    private static let longestWait: Duration = .seconds(3600)

    private let epoll: Int32
    private let wake: Int32
    private let lingerBytes: Int
    private let linger: Duration
    private let maximumLingering: Int
    private let headers: HeaderWatch?
    private let state = Mutex(State())

    init(_ configuration: HTTPServerConfiguration) throws(HTTPServerError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(operation: "epoll_create1", errno: errno) }
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else {
            let number = errno
            close(epoll)
            throw .system(operation: "eventfd", errno: number)
        }
        lingerBytes = configuration.lingerBytes
        linger = .seconds(configuration.lingerSeconds)
        maximumLingering = configuration.maximumLingering
        headers =
            configuration.headerTimeoutSeconds > 0
            ? HeaderWatch(limit: .seconds(configuration.headerTimeoutSeconds)) : nil
        var failure: Int32 = add(wake, key: Self.wakeKey, events: EPOLLIN.rawValue) ? 0 : errno
        if failure == 0 { failure = startThread { self.run() } }
        if failure != 0 {
            close(wake)
            close(epoll)
            throw .system(operation: "start of the connection monitor", errno: failure)
        }
    }

    // MARK: Suspended connections

    /// Tells the exchange once when its client has left. A client that only closes its sending side
    /// counts as gone with `halfClose`: so does any that was killed, and they look the same.
    func watch(_ socket: Int32, for exchange: Exchange, halfClose: Bool) {
        state.withLock { state in
            let key = state.nextKey
            state.nextKey += 1
            // Errors and hang-ups are always reported.
            let events = EPOLLONESHOT.rawValue | (halfClose ? EPOLLRDHUP.rawValue : 0)
            guard add(socket, key: key, events: events) else { return }
            state.watched[key] = .exchange(exchange, socket: socket)
            state.keys[socket] = key
        }
    }

    func unwatch(_ socket: Int32) {
        state.withLock { state in
            guard let key = state.keys.removeValue(forKey: socket) else { return }
            state.watched[key] = nil
            _ = epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nil)
        }
    }

    // MARK: Request headers

    /// A client has connected.
    func opened(_ client: ClientConnection) {
        // The thread may be waiting without a deadline.
        if headers?.add(client) == true { signal() }
    }

    /// Its socket is about to be closed.
    func closed(_ client: ClientConnection) { headers?.remove(client) }

    // MARK: Lingering close

    /// Keeps a connection that libmicrohttpd is about to close, until the client has closed it too
    /// or a limit is reached. Closed with unread data in it, TCP would reset it, and the client
    /// might lose the answer (RFC 9112 §9.6).
    func linger(_ socket: Int32, closesSending: Bool) {
        state.withLock { state in
            guard state.lingering < maximumLingering, !state.stops else { return }
            let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { return }
            let key = state.nextKey
            state.nextKey += 1
            guard add(copy, key: key, events: EPOLLIN.rawValue) else {
                close(copy)
                return
            }
            if closesSending { shutdown(copy, Int32(SHUT_WR)) }
            state.watched[key] = .lingering(
                LingeringSocket(
                    descriptor: copy, bytesLeft: lingerBytes,
                    deadline: ContinuousClock.now + linger))
            state.lingering += 1
        }
        // The thread may be waiting without a deadline.
        signal()
    }

    // MARK: The thread

    /// Ends the thread and closes what lingers. Nothing may be watched any more.
    func stop() {
        state.withLock { $0.stops = true }
        signal()
    }

    private func signal() {
        var one: UInt64 = 1
        _ = write(wake, &one, MemoryLayout<UInt64>.size)
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsPerWait)
        var timeout: Int32 = -1
        var headersDue: ContinuousClock.Instant?
        while true {
            let count = epoll_wait(epoll, &events, Int32(events.count), timeout)
            for event in events.prefix(Int(max(0, count))) { handle(event) }
            let now = ContinuousClock.now
            guard var due = sweep(at: now) else { break }
            if headersDue.map({ $0 <= now }) ?? true {
                headersDue = headers?.sweep().map { now + $0 }
            }
            if let headersDue { due = min(due, headersDue) }
            timeout = Int32(now.duration(to: due) / .milliseconds(1)) + 1
        }
        close(wake)
        close(epoll)
    }

    private func handle(_ event: epoll_event) {
        if event.data.u64 == Self.wakeKey {
            var count: UInt64 = 0
            _ = read(wake, &count, MemoryLayout<UInt64>.size)
            return
        }
        let gone: Exchange? = state.withLock { state in
            switch state.watched[event.data.u64] {
            case .exchange(let exchange, _):
                return exchange
            case .lingering(var socket):
                if socket.drain() {
                    state.watched[event.data.u64] = .lingering(socket)
                } else {
                    state.close(socket, key: event.data.u64)
                }
                return nil
            case nil:
                return nil
            }
        }
        // Without the lock: the exchange takes its own, and then this one.
        gone?.clientLeft()
    }

    /// Closes what has lingered for too long. Returns the next deadline, `nil` at the end of the
    /// thread.
    private func sweep(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        state.withLock { state in
            var next = now + Self.longestWait
            guard state.lingering > 0 || state.stops else { return next }
            for (key, watched) in state.watched {
                guard case .lingering(let socket) = watched else { continue }
                if socket.deadline <= now || state.stops {
                    state.close(socket, key: key)
                } else {
                    next = min(next, socket.deadline)
                }
            }
            return state.stops ? nil : next
        }
    }

    private func add(_ descriptor: Int32, key: UInt64, events: UInt32) -> Bool {
        var event = epoll_event(events: events, data: epoll_data_t(u64: key))
        return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0
    }
}

extension ConnectionMonitor.State {
    fileprivate mutating func close(_ socket: LingeringSocket, key: UInt64) {
        watched[key] = nil
        lingering -= 1
        // Closing the last descriptor takes it out of the epoll set.
        Glibc.close(socket.descriptor)
    }
}

/// A connection that only still receives what is to be dropped.
struct LingeringSocket {
    let descriptor: Int32
    private(set) var bytesLeft: Int
    let deadline: ContinuousClock.Instant

    init(descriptor: Int32, bytesLeft: Int, deadline: ContinuousClock.Instant) {
        self.descriptor = descriptor
        self.bytesLeft = bytesLeft
        self.deadline = deadline
    }

    /// Drops what has arrived. False when the connection is to be closed.
    mutating func drain() -> Bool {
        while bytesLeft > 0 {
            let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) {
                recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            if count == 0 { return false }
            bytesLeft -= count
        }
        return false
    }
}
