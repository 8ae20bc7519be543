import CLinux
import Glibc
import LRP2P

/// Asks the same over and over, on some kept-alive connections at the same time, each of them
/// waiting for its answer before it asks again. All in one thread with epoll, so that as little as
/// possible of the machine is taken from the server.
final class HTTPLoad {
    /// Longer answers than this are not what is measured here.
    private static let bufferBytes = 65_536
    private static let eventsPerTurn = 64
    /// Connections that come from one address.
    private static let connectionsPerAddress = 128

    private struct Slot {
        let socket: TCPSocket
        let request: [UInt8]
        /// What has come of an answer that is not whole yet.
        var partial: [UInt8] = []
    }

    private let poller: Int32
    private var slots: [Slot] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: HTTPLoad.bufferBytes, alignment: 64)
    private(set) var answers = 0

    /// - Parameter requests: one for each connection.
    init(port: UInt16, requests: [[UInt8]]) throws {
        poller = clinux_epoll_create()
        guard poller >= 0 else {
            throw BenchError.system(operation: "epoll_create1", errno: -poller)
        }
        for (index, request) in requests.enumerated() {
            let source = UInt16(2 + index / Self.connectionsPerAddress)
            let socket = try TCPSocket(port: port, source: source)
            socket.makeNonBlocking()
            let status = clinux_epoll_watch(
                poller, socket.descriptor, UInt64(index), true, false, true)
            guard status == 0 else {
                throw BenchError.system(operation: "epoll_ctl", errno: -status)
            }
            slots.append(Slot(socket: socket, request: request))
        }
    }

    deinit {
        close(poller)
        buffer.deallocate()
    }

    /// Asks on each connection for the first time.
    func begin() throws {
        for index in slots.indices { try ask(index) }
    }

    /// Takes answers, and asks again after each, until then.
    func run(until end: Instant) throws {
        var ready = [clinux_ready](repeating: clinux_ready(), count: Self.eventsPerTurn)
        while true {
            let left = (end - MonotonicClock.now).nanoseconds
            guard left > 0 else { return }
            let count = clinux_epoll_wait(poller, &ready, Int32(ready.count), left)
            for event in ready.prefix(Int(count)) { try take(Int(event.token)) }
        }
    }

    private func ask(_ index: Int) throws {
        let slot = slots[index]
        let count = slot.request.withUnsafeBytes {
            send(slot.socket.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        // A request that is waited for finds the socket's buffer empty.
        guard count == slot.request.count else {
            throw BenchError.system(operation: "send", errno: count < 0 ? errno : ENOBUFS)
        }
    }

    private func take(_ index: Int) throws {
        let count = recv(slots[index].socket.descriptor, buffer.baseAddress, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else {
            throw BenchError.system(operation: "recv", errno: count < 0 ? errno : ECONNRESET)
        }
        if slots[index].partial.isEmpty {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if try isWhole(bytes) { return try finish(index) }
        }
        slots[index].partial.append(contentsOf: buffer[..<count])
        guard slots[index].partial.count < Self.bufferBytes else { throw BenchError.notHTTP }
        if try slots[index].partial.withUnsafeBytes(isWhole) {
            slots[index].partial = []
            try finish(index)
        }
    }

    private func finish(_ index: Int) throws {
        answers += 1
        try ask(index)
    }

    /// Whether these bytes are an answer to its end.
    private func isWhole(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard let end = HTTPHead.end(of: bytes) else { return false }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        guard let (status, length) = HTTPHead.summary(head) else { throw BenchError.notHTTP }
        guard (200..<300).contains(status) else {
            throw BenchError.status(status, of: "a measured request")
        }
        return bytes.count >= end + length
    }
}

extension HTTPLoad {
    /// The time before it counts.
    private static let warmUp = Interval.milliseconds(200)

    /// Answers per second to these requests, each repeated on a connection of its own.
    static func answersPerSecond(
        port: UInt16, for span: Duration, requests: [[UInt8]]
    ) throws -> Double {
        let load = try HTTPLoad(port: port, requests: requests)
        try load.begin()
        try load.run(until: MonotonicClock.now + warmUp)
        let start = MonotonicClock.now, before = load.answers
        try load.run(until: start + Interval(span))
        return Double(load.answers - before) / (MonotonicClock.now - start).inSeconds
    }
}
