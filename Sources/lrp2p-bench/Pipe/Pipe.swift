import LRP2PCore
import LRP2PSimulation

/// What one direction of a path does: datagrams wait for their turn at a bottleneck, and take a
/// while.
struct PipeConditions: Sendable {
    var bytesPerSecond: Int
    /// One way.
    var delay: Interval
    /// Bytes that wait at the bottleneck; what comes on top is lost.
    var queueBytes: Int
    /// Probability that a datagram is lost on the way.
    var loss = 0.0

    /// - Parameter megabits: per second, both ways.
    init(megabits: Int, roundTrip: Interval) {
        bytesPerSecond = megabits * 125_000
        delay = roundTrip / 2
        queueBytes = Int(Double(bytesPerSecond) * roundTrip.inSeconds)
    }

    var roundTrip: Interval { delay * 2 }
    var bandwidthDelayProduct: Int { Int(Double(bytesPerSecond) * roundTrip.inSeconds) }
}

/// One direction, in virtual time. Constant delay keeps the order, so a queue is enough, and
/// millions of datagrams can be under way, which a ``VirtualNetwork`` does not carry.
struct Pipe: ~Copyable {
    private let conditions: PipeConditions
    private var datagrams = DatagramFIFO()
    private var random: SeededRandom
    /// When the bottleneck has sent what it has, with the part of a nanosecond that whole ones
    /// would lose: at 100 Gbit/s a datagram takes 112.
    private var freeAt = 0.0
    /// Datagrams given to it, lost ones included.
    private(set) var sent: UInt64 = 0

    init(_ conditions: PipeConditions, seed: UInt64, name: String) {
        self.conditions = conditions
        random = SeededRandom(seed: seed, stream: name)
    }

    var nextArrival: Instant? { datagrams.nextArrival }
    var inFlight: Int { datagrams.count }

    /// - Parameter elidedBytes: bytes of the datagram that are not there, and take their time.
    mutating func send(
        _ datagram: UnsafeRawBufferPointer, elidedBytes: Int = 0, now: Instant
    ) {
        sent += 1
        let start = max(freeAt, Double(now.nanoseconds))
        let rate = Double(conditions.bytesPerSecond) / 1e9
        guard (start - Double(now.nanoseconds)) * rate <= Double(conditions.queueBytes) else {
            return
        }
        freeAt = start + Double(datagram.count + elidedBytes) / rate
        if conditions.loss > 0, random.chance(conditions.loss) { return }
        let arrival = Instant(nanoseconds: Int64(freeAt)) + conditions.delay
        datagrams.append(datagram, arrival: arrival)
    }

    /// The next datagram that has arrived. The memory is good until the next call of either.
    mutating func receive(now: Instant) -> UnsafeMutableRawBufferPointer? {
        datagrams.popArrived(by: now)
    }
}
