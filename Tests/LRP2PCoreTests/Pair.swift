import Sodium

@testable import LRP2PCore

/// Two endpoints and the wire between them, in virtual time. What happens to each datagram is the
/// test's to decide; nothing is random but the keys.
final class Pair {
    struct Flight {
        let isFromA: Bool
        var bytes: [UInt8]
    }

    static let addressA = SocketAddress(ipv4: 0x0a00_0001, port: 1000)
    static let addressB = SocketAddress(ipv4: 0x0a00_0002, port: 2000)

    let a: Endpoint
    let b: Endpoint
    var now = Instant(nanoseconds: 1_000_000_000)
    /// One way.
    var delay = Interval.milliseconds(10)
    /// Called for each datagram sent; an empty answer drops it.
    var wire: (Flight) -> [Flight] = { [$0] }
    private(set) var sent: [Flight] = []
    private(set) var eventsA: [EndpointEvent] = []
    private(set) var eventsB: [EndpointEvent] = []
    private var inTransit: [(arrival: Instant, flight: Flight)] = []

    init(
        a configurationA: EndpointConfiguration = .base,
        b configurationB: EndpointConfiguration = .base
    ) {
        a = Self.makeEndpoint(configurationA, seed: 1)
        b = Self.makeEndpoint(configurationB, seed: 101)
    }

    static func makeEndpoint(_ configuration: EndpointConfiguration, seed: UInt8) -> Endpoint {
        var state = UInt64(seed)
        return Endpoint(
            configuration: configuration,
            staticPrivateKey: SecretBytes(copying: [UInt8](repeating: seed, count: 32)),
            random: { buffer in
                for index in buffer.indices {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    buffer[index] = UInt8(truncatingIfNeeded: state >> 56)
                }
            })
    }

    /// Takes everything the endpoints have to say at this moment.
    func flush() {
        for (endpoint, isA) in [(a, true), (b, false)] {
            withUnsafeTemporaryAllocation(
                byteCount: Endpoint.maximumDatagramSize, alignment: 8
            ) { buffer in
                while let transmit = endpoint.pollTransmit(into: buffer, now: now) {
                    let flight = Flight(
                        isFromA: isA, bytes: Array(buffer.prefix(transmit.length)))
                    sent.append(flight)
                    for copy in wire(flight) { inTransit.append((now + delay, copy)) }
                }
            }
            while let event = endpoint.pollEvent() {
                if isA { eventsA.append(event) } else { eventsB.append(event) }
            }
        }
    }

    func deliver(_ flight: Flight) {
        var bytes = flight.bytes
        bytes.withUnsafeMutableBytes { bytes in
            if flight.isFromA {
                b.handleDatagram(bytes, from: Self.addressA, now: now)
            } else {
                a.handleDatagram(bytes, from: Self.addressB, now: now)
            }
        }
    }

    /// Goes to the next thing that happens; returns false when nothing will before `limit`.
    @discardableResult
    func step(until limit: Instant = .distantFuture) -> Bool {
        flush()
        let arrival = inTransit.map(\.arrival).min() ?? .distantFuture
        let timers = min(
            a.nextDeadline(now: now) ?? .distantFuture, b.nextDeadline(now: now) ?? .distantFuture)
        let next = max(now, min(arrival, timers))
        guard next < .distantFuture, next <= limit else {
            if limit < .distantFuture { now = limit }
            return false
        }
        now = next
        let due = inTransit.filter { $0.arrival <= now }
        inTransit.removeAll { $0.arrival <= now }
        for item in due { deliver(item.flight) }
        a.handleDeadline(now: now)
        b.handleDeadline(now: now)
        flush()
        return true
    }

    func run(for interval: Interval) {
        let limit = now + interval
        while step(until: limit) {}
    }

    /// Runs until the condition holds; false when it does not within the time.
    func run(within interval: Interval = .seconds(60), until condition: () -> Bool) -> Bool {
        let limit = now + interval
        while !condition() {
            if !step(until: limit) { return condition() }
        }
        return true
    }

    /// Both ends of one connection from A to B, after the handshake.
    func connect() throws -> (a: Connection, b: Connection) {
        let ours = try a.connect(to: Self.addressB, now: now)
        _ = run { accepted != nil && !ours.remoteStaticKey.isEmpty }
        guard let theirs = accepted else { throw HandshakeDidNotFinish() }
        return (ours, theirs)
    }

    struct HandshakeDidNotFinish: Error {}

    var accepted: Connection? {
        for case .accepted(let connection) in eventsB.reversed() { return connection }
        return nil
    }

    func write(_ bytes: [UInt8], to connection: Connection, of endpoint: Endpoint) -> Int {
        let count = bytes.withUnsafeBytes { connection.sendRing.write($0) }
        endpoint.didWrite(to: connection, now: now)
        return count
    }

    func read(_ connection: Connection, of endpoint: Endpoint, max: Int = .max) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(max, connection.receiveRing.count))
        let start = connection.receiveRing.startPosition
        _ = bytes.withUnsafeMutableBytes { connection.receiveRing.copy(from: start, into: $0) }
        connection.receiveRing.release(upTo: start + UInt64(bytes.count))
        endpoint.didRead(from: connection, now: now)
        return bytes
    }
}

extension EndpointConfiguration {
    /// The base protocol alone.
    static var base: EndpointConfiguration {
        var configuration = EndpointConfiguration()
        configuration.isExtended = false
        configuration.initialBufferBytes = 2 << 20
        return configuration
    }
}

/// Bytes that show where in the stream they belong.
func pattern(_ range: Range<Int>) -> [UInt8] {
    range.map { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8) &* 13) }
}
