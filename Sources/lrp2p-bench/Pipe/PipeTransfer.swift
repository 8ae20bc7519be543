import Glibc
import LRP2P
import LRP2PCore
import LRP2PSimulation
import Sodium

/// Bulk data from one endpoint to another in virtual time: the connections' real state machines,
/// two pipes, and applications that always have something to send and read at once.
///
/// Deterministic but for the cost it measures: keys and loss come from the seed.
final class PipeTransfer {
    private static let senderAddress = SocketAddress.loopback(port: 1)
    private static let receiverAddress = SocketAddress.loopback(port: 2)
    /// Bytes the application writes at once.
    private static let chunkBytes = 64 * 1024

    /// An endpoint, and what its application does.
    private final class Host {
        let endpoint: Endpoint
        let writes: Bool
        var connections: [Connection] = []

        init(configuration: EndpointConfiguration, writes: Bool, seed: UInt64, name: String) {
            var random = SeededRandom(seed: seed, stream: name)
            let key = SecretBytes(count: X25519.keyLength) { random.fill($0) }
            endpoint = Endpoint(configuration: configuration, staticPrivateKey: key) {
                random.fill($0)
            }
            self.writes = writes
        }
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private let sender: Host
    private let receiver: Host
    private var forward: Pipe
    private var backward: Pipe
    private let granularity: Interval
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(65_536, Endpoint.maximumDatagramSize), alignment: 64)
    private let chunk: [UInt8]

    /// - Parameter granularity: the hosts look at what has arrived, and at their timers, only at
    ///   multiples of this, as processes do that take many datagrams with one system call.
    init(
        _ conditions: PipeConditions, configuration: EndpointConfiguration, seed: UInt64,
        granularity: Interval
    ) {
        sender = Host(configuration: configuration, writes: true, seed: seed, name: "sender")
        receiver = Host(configuration: configuration, writes: false, seed: seed, name: "receiver")
        forward = Pipe(conditions, seed: seed, name: "forward")
        var answers = conditions
        // What is measured is one direction; the other only has to carry acknowledgements.
        answers.loss = 0
        backward = Pipe(answers, seed: seed, name: "backward")
        self.granularity = granularity
        chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    }

    deinit {
        buffer.deallocate()
    }

    /// One more connection, from the present moment on.
    func startFlow() throws {
        _ = try sender.endpoint.connect(to: Self.receiverAddress, now: now)
        serve(sender)
    }

    /// Bytes that have arrived in order, by flow.
    var receivedBytes: [UInt64] { receiver.connections.map(\.receiveRing.endPosition) }
    /// Datagrams of data that have been sent, about: those of handshakes are among them.
    var packetsSent: UInt64 { forward.sent }
    /// Sent and neither acknowledged nor lost, as the sender sees it.
    var packetsInFlight: Int {
        sender.connections.reduce(0) { $0 + $1.statistics.packetsInFlight }
    }

    func run(for span: Interval) {
        let end = now + span
        while let next = nextTime(), next <= end {
            now = next
            step()
        }
        now = end
    }

    private func nextTime() -> Instant? {
        var next = Instant.distantFuture
        if let arrival = forward.nextArrival { next = min(next, arrival) }
        if let arrival = backward.nextArrival { next = min(next, arrival) }
        if let deadline = sender.endpoint.nextDeadline(now: now) { next = min(next, deadline) }
        if let deadline = receiver.endpoint.nextDeadline(now: now) { next = min(next, deadline) }
        guard next < .distantFuture else { return nil }
        let grain = max(1, granularity.nanoseconds)
        return Instant(nanoseconds: (max(next, now).nanoseconds + grain - 1) / grain * grain)
    }

    private func step() {
        while let datagram = forward.receive(now: now) {
            receiver.endpoint.handleDatagram(datagram, from: Self.senderAddress, now: now)
        }
        while let datagram = backward.receive(now: now) {
            sender.endpoint.handleDatagram(datagram, from: Self.receiverAddress, now: now)
        }
        for host in [sender, receiver] {
            if let deadline = host.endpoint.nextDeadline(now: now), deadline <= now {
                host.endpoint.handleDeadline(now: now)
            }
            serve(host)
        }
    }

    /// Does what an application does with events, and sends what there is.
    private func serve(_ host: Host) {
        while let event = host.endpoint.pollEvent() {
            switch event {
            case .connected(let connection), .accepted(let connection):
                host.connections.append(connection)
                if host.writes { fill(connection) }
            case .writable(let connection):
                if host.writes { fill(connection) }
            case .readable(let connection):
                connection.receiveRing.release(upTo: connection.receiveRing.endPosition)
                host.endpoint.didRead(from: connection, now: now)
            case .remoteFinished, .datagram, .closed:
                break
            }
        }
        while let transmit = host.endpoint.pollTransmit(into: buffer, now: now) {
            let datagram = UnsafeRawBufferPointer(rebasing: buffer[..<transmit.length])
            if host.writes {
                forward.send(datagram, elidedBytes: transmit.elidedBytes, now: now)
            } else {
                backward.send(datagram, elidedBytes: transmit.elidedBytes, now: now)
            }
        }
    }

    private func fill(_ connection: Connection) {
        chunk.withUnsafeBytes { chunk in
            while connection.sendRing.write(chunk) == chunk.count {}
        }
        sender.endpoint.didWrite(to: connection, now: now)
    }
}

/// Processor time of the calling thread.
enum ThreadClock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
