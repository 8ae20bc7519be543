import Glibc

/// A stream of bytes without end that can be made and checked anywhere: a random block, repeated.
/// Its length is a prime, so that no piece that is lost or doubled goes unnoticed.
struct Pattern: Sendable {
    struct Mismatch: Error {
        /// A wrong byte is at or after this one.
        let position: Int
    }

    private static let period = 1_048_573
    private static let maximumRun = 262_144
    private let block: [UInt8]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let block = random.bytes(Self.period)
        // Any run that begins in the block is in one piece.
        self.block = block + block[..<Self.maximumRun]
    }

    /// Up to `count` bytes from a position on, at least one of them.
    func run(at position: Int, count: Int) -> ArraySlice<UInt8> {
        let start = position % Self.period
        return block[start..<(start + min(count, Self.maximumRun))]
    }

    func check(_ bytes: [UInt8], at position: Int) throws {
        var offset = 0
        while offset < bytes.count {
            let run = run(at: position + offset, count: bytes.count - offset)
            let isSame = run.withUnsafeBytes { expected in
                bytes.withUnsafeBytes { found in
                    guard let expectedStart = expected.baseAddress, let start = found.baseAddress
                    else { return true }
                    return memcmp(start + offset, expectedStart, expected.count) == 0
                }
            }
            guard isSame else { throw Mismatch(position: position + offset) }
            offset += run.count
        }
    }
}

extension TCPClient {
    /// Sends bytes of a pattern.
    func write(_ pattern: Pattern, from start: Int, count: Int) throws {
        var position = start
        while position < start + count {
            let run = pattern.run(at: position, count: start + count - position)
            try write(run)
            position += run.count
        }
    }
}

/// Reads a connection's stream from its beginning, acknowledging what it has checked.
struct PatternReader {
    let gateway: GatewayProcess
    let path: String
    let pattern: Pattern
    private(set) var position = 0
    private(set) var cursor: String?

    init(_ gateway: GatewayProcess, _ path: String, _ pattern: Pattern) {
        (self.gateway, self.path, self.pattern) = (gateway, path, pattern)
    }

    /// Where to read next, as parameters of the request.
    var place: String { cursor.map { "&offset=\($0)&ack=\($0)" } ?? "" }

    /// Long-polls until so many bytes have been read since the beginning.
    mutating func read(upTo end: Int) async throws {
        while position < end {
            try accept(await gateway.request("GET", "\(path)?wait=60s&max_bytes=4194304\(place)"))
        }
    }

    /// Takes an answer that came whole.
    mutating func accept(_ answer: Answer) throws {
        guard answer.status == 200, let next = answer["Next-Offset"] else {
            throw UnexpectedAnswer(status: answer.status, text: answer.text)
        }
        try pattern.check(answer.body, at: position)
        position += answer.body.count
        cursor = next
    }
}

struct UnexpectedAnswer: Error {
    let status: Int
    let text: String
}
