import Foundation
import Testing

/// Bytes that nobody should send: the fuzzer's seeds, damaged at random but the same in every run.
struct MutationTests {
    /// Every seed, and every input that has ever failed, is kept in Tests/Fuzz/Corpus.
    private static func seeds(_ target: FuzzTarget) throws -> [[UInt8]] {
        let directory = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fuzz/Corpus/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            .map { Array(try Data(contentsOf: directory.appending(path: $0))) }
    }

    private func violation(_ target: FuzzTarget, _ input: [UInt8]) -> String? {
        input.withUnsafeBytes { target.violation($0) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func theSeedsThemselves(target: FuzzTarget) throws {
        let seeds = try Self.seeds(target)
        #expect(!seeds.isEmpty)
        for seed in seeds { #expect(violation(target, seed) == nil, "\(seed)") }
        #expect(violation(target, []) == nil)
    }

    @Test(
        arguments: [
            (.frames, 40_000), (.payload, 20_000), (.segment, 20_000), (.recognisers, 20_000),
            (.endpoint, 1_000), (.packets, 1_000),
        ] as [(FuzzTarget, Int)])
    func damagedSeeds(target: FuzzTarget, iterations: Int) throws {
        var mutator = Mutator(seeds: try Self.seeds(target), seed: 1)
        for _ in 0..<iterations {
            let input = mutator.next()
            if let violation = violation(target, input) {
                Issue.record("\(violation): \(input)")
                return
            }
        }
    }
}

/// Makes inputs as fuzzers do: small damage upon damage, and parts of one seed in another.
private struct Mutator {
    private static let edges: [UInt8] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff]
    private static let maximumLength = 512

    private let seeds: [[UInt8]]
    private var random: SplitMix64
    private var input: [UInt8] = []

    init(seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds
        random = SplitMix64(seed: seed)
    }

    mutating func next() -> [UInt8] {
        // Every other time, what came out last is damaged further.
        if random.below(2) == 0 || input.count > Self.maximumLength { input = anySeed() }
        for _ in 0...random.below(4) { damage() }
        return input
    }

    private mutating func anySeed() -> [UInt8] {
        if seeds.isEmpty || random.below(20) == 0 {
            return (0..<random.below(64)).map { _ in anyByte() }
        }
        return seeds[random.below(seeds.count)]
    }

    private mutating func anyByte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }

    private mutating func damage() {
        let position = random.below(input.count + 1)
        guard position < input.count else {
            input.append(anyByte())
            return
        }
        switch random.below(7) {
        case 0: input[position] ^= 1 << UInt8(random.below(8))
        case 1: input[position] = Self.edges[random.below(Self.edges.count)]
        case 2: input[position] = anyByte()
        case 3: input.remove(at: position)
        case 4: input.insert(Self.edges[random.below(Self.edges.count)], at: position)
        case 5: input.removeSubrange(position...)
        default:
            let other = anySeed()
            let part = other.dropFirst(random.below(other.count + 1))
            input.insert(contentsOf: part.prefix(1 + random.below(16)), at: position)
        }
    }
}
