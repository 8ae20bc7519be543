/// A small generator of random numbers whose output depends on its seed alone: the same on every
/// platform, in every run, and in every version of Swift.
///
/// The algorithm is xoshiro256** 1.0 by Blackman and Vigna, its state filled by SplitMix64 as
/// they advise. Not for keys: a simulation's secrets are meant to be reproducible.
///
/// The methods here map bits to values themselves. The standard library's `random(in:using:)` may
/// change how it consumes a generator, and an old seed would then replay another history.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var filler = SplitMix64(state: seed)
        state = (filler.next(), filler.next(), filler.next(), filler.next())
    }

    /// A generator of its own for each purpose, so that one more draw for one purpose leaves the
    /// others as they were.
    public init(seed: UInt64, stream: String) {
        var filler = SplitMix64(state: seed)
        var hash = StableHash()
        hash.combine(stream)
        self.init(seed: filler.next() ^ hash.value)
    }

    /// For checks against the published reference output.
    init(state: (UInt64, UInt64, UInt64, UInt64)) {
        self.state = state
    }

    public mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return result
    }

    /// Uniform in 0 ..< 1, with 53 bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// True with the given probability.
    public mutating func chance(_ probability: Double) -> Bool {
        unit() < probability
    }

    /// Uniform in 0 ..< bound; the bias is below bound / 2⁶⁴.
    public mutating func below(_ bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }

    public mutating func integer(in range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(below(width))
    }

    /// Spreads draws evenly over the orders of magnitude of a positive range, so that 50 kB/s is
    /// as likely as 50 MB/s. Works on powers of two, without a logarithm that may differ between
    /// platforms.
    public mutating func magnitude(in range: ClosedRange<Int>) -> Int {
        let low = max(1, range.lowerBound)
        let doublings = UInt64((range.upperBound / low).bitWidth
            - (range.upperBound / low).leadingZeroBitCount)
        let start = low << Int(below(max(1, doublings)))
        return min(range.upperBound, integer(in: start...max(start, start * 2 - 1)))
    }

    public mutating func element<Element>(of choices: [Element]) -> Element {
        precondition(!choices.isEmpty, "nothing to choose from")
        return choices[integer(in: 0...choices.count - 1)]
    }

    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < buffer.count {
            var word = next().littleEndian
            let count = min(8, buffer.count - offset)
            withUnsafeBytes(of: &word) { bytes in
                for index in 0..<count { buffer[offset + index] = bytes[index] }
            }
            offset += count
        }
    }

    private static func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}

/// Steele, Lea and Flood's SplitMix64: one multiplication chain per output, good at turning
/// neighbouring seeds into unrelated states.
struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// A hash that is the same in every process, unlike `Hasher`: FNV-1a over bytes, and a mixing
/// step per whole word where speed matters more than the published constants.
public struct StableHash: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public mutating func combine(_ text: String) {
        for byte in text.utf8 {
            value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
    }

    public mutating func combine(_ word: UInt64) {
        value = SplitMix64.mix((value ^ word) &+ 0x9e37_79b9_7f4a_7c15)
    }
}
