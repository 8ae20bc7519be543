import Foundation
import Testing

/// The seeds of the fuzzer, and every single damage to them, without the fuzzer.
struct FuzzTargetTests {
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

    private static let edges = [UInt8]("\0\t \"%&+-.0:=?[\\]{\u{7f}".utf8) + [0x80, 0xff]

    @Test(arguments: FuzzTarget.allCases)
    func damagedSeeds(target: FuzzTarget) throws {
        for seed in try Self.seeds(target) {
            for position in seed.indices {
                var inputs = [Array(seed[..<position]), seed, seed + seed]
                inputs[1].remove(at: position)
                for edge in Self.edges {
                    inputs.append(seed)
                    inputs[inputs.count - 1][position] = edge
                }
                for input in inputs {
                    let text = String(decoding: input, as: UTF8.self)
                    #expect(violation(target, input) == nil, "\(text)")
                }
            }
        }
    }
}
