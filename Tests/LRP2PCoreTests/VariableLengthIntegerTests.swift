import Testing

@testable import LRP2PCore

struct VariableLengthIntegerTests {
    private func write(_ value: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xee, count: 8)
        let length = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { VariableLengthInteger.write(value, to: $0) } ?? 0
        }
        return Array(bytes[..<length])
    }

    private func read(_ bytes: [UInt8], at start: Int = 0) -> (value: UInt64?, end: Int) {
        var position = start
        let value = bytes.withUnsafeBytes { VariableLengthInteger.read($0, at: &position) }
        return (value, position)
    }

    /// RFC 9000 appendix A.1.
    @Test(arguments: [
        ([0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
        ([0x9d, 0x7f, 0x3e, 0x7d], 494_878_333), ([0x7b, 0xbd], 15293), ([0x25], 37),
    ] as [([UInt8], UInt64)])
    func publishedExamples(bytes: [UInt8], value: UInt64) {
        #expect(write(value) == bytes)
        #expect(VariableLengthInteger.length(of: value) == bytes.count)
        #expect(read(bytes) == (value, bytes.count))
    }

    @Test func aLongerEncodingIsRead() {
        #expect(read([0x40, 0x25]) == (37, 2))
        #expect(read([0xc0, 0, 0, 0, 0, 0, 0, 0x25]) == (37, 8))
    }

    @Test func lengthsChangeAtPowersOfTwo() {
        for (edge, length) in [(6, 1), (14, 2), (30, 4), (62, 8)] {
            let last: UInt64 = 1 << edge - 1
            #expect(write(last).count == length)
            #expect(read(write(last)) == (last, length))
            #expect(VariableLengthInteger.length(of: last) == length)
            guard edge < 62 else { continue }
            #expect(write(last + 1).count == length * 2)
            #expect(read(write(last + 1)) == (last + 1, length * 2))
        }
    }

    @Test func whatEndsTooSoonIsNotRead() {
        #expect(read([]) == (nil, 0))
        for value in [100, 100_000, 1 << 40] as [UInt64] {
            let bytes = [7] + write(value)
            #expect(read(bytes, at: 1) == (value, bytes.count))
            for end in 1..<bytes.count {
                #expect(read(Array(bytes[..<end]), at: 1) == (nil, 1))
            }
        }
    }
}
