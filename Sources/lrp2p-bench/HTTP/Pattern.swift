import Glibc
import LRP2PSimulation

/// Bytes that go on for ever and can be checked anywhere at little cost: a random block, repeated.
/// Its length is a prime, so that no piece that is lost or doubled goes unnoticed.
final class Pattern: Sendable {
    private static let period = 1_048_573
    /// Longest run of bytes that can be had at once.
    static let maximumRun = 262_144
    private let block: [UInt8]

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var block = [UInt8](repeating: 0, count: Self.period)
        block.withUnsafeMutableBytes { random.fill($0) }
        // Any run that begins in the block is in one piece.
        self.block = block + block[..<Self.maximumRun]
    }

    /// `count` bytes from a position on, `maximumRun` at most.
    func withRun<Value>(
        at position: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        let start = position % Self.period
        return try block.withUnsafeBytes {
            try body(UnsafeRawBufferPointer(
                rebasing: $0[start..<(start + min(count, Self.maximumRun))]))
        }
    }

    /// Throws when the bytes are not those from a position on.
    func check(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
        guard let start = bytes.baseAddress else { return }
        var offset = 0
        while offset < bytes.count {
            try withRun(at: position + offset, count: bytes.count - offset) { run in
                guard let expected = run.baseAddress,
                    memcmp(expected, start + offset, run.count) == 0
                else { throw BenchError.wrongBytes(at: position + offset) }
                offset += run.count
            }
        }
    }
}
