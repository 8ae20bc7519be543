import LRP2PCore

/// When an application writes: pieces of some size with pauses between them.
public struct WritePlan: Sendable, Equatable {
    /// Bytes in all.
    public var total: UInt64
    public var piece: ClosedRange<Int>
    /// Nanoseconds between pieces.
    public var pause: ClosedRange<Int>

    public init(total: UInt64, piece: ClosedRange<Int>, pause: ClosedRange<Int>) {
        self.total = total
        self.piece = piece
        self.pause = pause
    }

    /// Everything, as fast as the send buffer takes it.
    public static func bulk(_ total: UInt64) -> WritePlan {
        WritePlan(total: total, piece: 65_536...65_536, pause: 0...0)
    }
}

/// When an application reads: pieces of some size with pauses between them, and times at which it
/// does not read at all.
public struct ReadPlan: Sendable, Equatable {
    public var piece: ClosedRange<Int>
    /// Nanoseconds between pieces.
    public var pause: ClosedRange<Int>
    /// Since the start of the history. A long one fills the receive buffer and closes the window.
    public var stalls: [Range<Interval>]

    public init(piece: ClosedRange<Int>, pause: ClosedRange<Int>, stalls: [Range<Interval>] = []) {
        self.piece = piece
        self.pause = pause
        self.stalls = stalls
    }

    /// Everything at once.
    public static let eager = ReadPlan(piece: 65_536...65_536, pause: 0...0)
}

/// An application that writes by plan, and learns of room only from `.writable`, as a real one
/// does: an event that the core forgets leaves it waiting for ever, and the history fails.
struct Writer {
    let plan: WritePlan
    let pattern: StreamPattern
    private var random: SeededRandom
    private(set) var written: UInt64 = 0
    private(set) var pieces = 0
    private(set) var isBlocked = false
    private var pieceLeft = 0
    private var resumeAt = Instant(nanoseconds: .min)

    init(plan: WritePlan, pattern: StreamPattern, random: SeededRandom) {
        self.plan = plan
        self.pattern = pattern
        self.random = random
    }

    var isFinished: Bool { written == plan.total }

    var nextWake: Instant? { isFinished || isBlocked ? nil : resumeAt }

    mutating func roomAppeared() {
        isBlocked = false
    }

    /// Writes what the plan and the ring allow now; returns how many bytes.
    mutating func run(
        into ring: StreamRing, scratch: UnsafeMutableRawBufferPointer, now: Instant
    ) -> Int {
        let before = written
        while !isFinished, !isBlocked, resumeAt <= now {
            if pieceLeft == 0 {
                pieceLeft = min(random.integer(in: plan.piece), Int(plan.total - written))
                pieces += 1
            }
            let count = min(pieceLeft, scratch.count, ring.freeBytes)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch[..<count])
            pattern.fill(bytes, from: written)
            let taken = ring.write(UnsafeRawBufferPointer(bytes))
            written += UInt64(taken)
            pieceLeft -= taken
            isBlocked = taken == 0
            if pieceLeft == 0, plan.pause.upperBound > 0 {
                resumeAt = now + Interval(nanoseconds: Int64(random.integer(in: plan.pause)))
            }
        }
        return Int(written - before)
    }
}

/// An application that reads by plan and checks every byte.
struct Reader {
    let plan: ReadPlan
    let pattern: StreamPattern
    private var random: SeededRandom
    private(set) var read: UInt64 = 0
    private(set) var pieces = 0
    private var hasNews = false
    private var resumeAt = Instant(nanoseconds: .min)

    init(plan: ReadPlan, pattern: StreamPattern, random: SeededRandom) {
        self.plan = plan
        self.pattern = pattern
        self.random = random
    }

    var nextWake: Instant? { hasNews ? resumeAt : nil }

    mutating func bytesArrived() {
        hasNews = true
    }

    /// Reads what the plan allows now; returns how many bytes.
    mutating func run(
        from ring: StreamRing, scratch: UnsafeMutableRawBufferPointer, now: Instant,
        elapsed: Interval
    ) throws(InvariantViolation) -> Int {
        let before = read
        while hasNews, resumeAt <= now {
            if let stall = plan.stalls.first(where: { $0.contains(elapsed) }) {
                resumeAt = now + (stall.upperBound - elapsed)
                break
            }
            let size = min(random.integer(in: plan.piece), scratch.count)
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
            let count = ring.copy(from: read, into: piece)
            guard count > 0 else {
                hasNews = false
                break
            }
            let received = UnsafeRawBufferPointer(rebasing: piece[..<count])
            if let index = pattern.firstMismatch(received, at: read) {
                let offset = read + UInt64(index)
                throw InvariantViolation(
                    "wrong byte at offset \(offset): \(received[index]), not \(pattern[offset])")
            }
            read += UInt64(count)
            pieces += 1
            ring.release(upTo: read)
            if plan.pause.upperBound > 0 {
                resumeAt = now + Interval(nanoseconds: Int64(random.integer(in: plan.pause)))
            }
        }
        return Int(read - before)
    }
}

/// A promise of the protocol that a history has broken.
struct InvariantViolation: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}
