import CLinux
import Glibc
import Synchronization

/// When a client has had long enough for a request header. A plain value, one for each connection.
///
/// libmicrohttpd closes connections that are silent, but not those that trickle (a byte now and
/// then holds a connection for ever: "slow loris"), and it does not tell when a header begins. The
/// bytes TCP has received do: while they grow and no request comes of them, a header is arriving.
struct HeaderClock {
    private var phase = 0
    /// Bytes received when the wait for a header was first seen.
    private var baseline: Int64 = 0
    /// From when the client's time counts.
    private var start: ContinuousClock.Instant

    init(openedAt now: ContinuousClock.Instant) { start = now }

    /// To be asked from time to time.
    ///
    /// - Parameters:
    ///   - phase: how many times a header was complete or a request was over: odd during a request.
    ///   - received: bytes, see `clinux_tcp_received_bytes`.
    /// - Returns: whether the header that is arriving has taken longer than `limit`.
    mutating func isOver(
        phase: Int, received: Int64, now: ContinuousClock.Instant, limit: Duration
    ) -> Bool {
        if phase != self.phase {
            self.phase = phase
            baseline = received
            start = now
            return false
        }
        // Silence is for the idle timeout.
        guard phase.isMultiple(of: 2), received > baseline else {
            start = phase == 0 ? start : now
            return false
        }
        return start.duration(to: now) >= limit
    }
}

/// A client's connection as long as libmicrohttpd has it.
final class ClientConnection: Sendable {
    fileprivate let socket: Int32
    /// `nil` for plain HTTP.
    let tls: TLSSession?
    private let phase = Atomic<Int>(0)

    init(socket: Int32, tls: TLSSession?) {
        self.socket = socket
        self.tls = tls
    }

    /// A header is complete, or its request is over.
    func nextPhase() { phase.add(1, ordering: .relaxed) }

    fileprivate var currentPhase: Int { phase.load(ordering: .relaxed) }
}

/// Ends connections whose request headers take too long.
final class HeaderWatch: Sendable {
    private struct Watched {
        let client: ClientConnection
        var clock: HeaderClock
    }

    private let limit: Duration
    private let watched = Mutex<[ObjectIdentifier: Watched]>([:])

    init(limit: Duration) { self.limit = limit }

    /// Between two looks: a header may take this much longer than its limit.
    private var interval: Duration { max(limit / 4, .milliseconds(50)) }

    /// Returns whether this is the only one, so that looking has to begin.
    func add(_ client: ClientConnection) -> Bool {
        watched.withLock { watched in
            watched[ObjectIdentifier(client)] = Watched(
                client: client, clock: HeaderClock(openedAt: .now))
            return watched.count == 1
        }
    }

    /// Before libmicrohttpd closes the socket, whose number is then another one's.
    func remove(_ client: ClientConnection) {
        watched.withLock { $0[ObjectIdentifier(client)] = nil }
    }

    /// Ends what has taken too long. Returns when to look again, `nil` when there is nothing.
    func sweep() -> Duration? {
        let now = ContinuousClock.now
        return watched.withLock { watched in
            var index = watched.startIndex
            while index != watched.endIndex {
                let client = watched.values[index].client
                let phase = client.currentPhase
                let isOver = watched.values[index].clock.isOver(
                    phase: phase,
                    received: phase.isMultiple(of: 2) ? clinux_tcp_received_bytes(client.socket) : 0,
                    now: now, limit: limit)
                // libmicrohttpd sees the end and closes.
                if isOver { shutdown(client.socket, Int32(SHUT_RDWR)) }
                index = watched.index(after: index)
            }
            return watched.isEmpty ? nil : interval
        }
    }
}
