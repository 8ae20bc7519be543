import Testing

@testable import LRP2PSimulation

@Suite struct StreamPatternTests {
    @Test(arguments: [0, 1, 7, 8, 13] as [UInt64])
    func anyPieceIsThatPartOfTheStream(offset: UInt64) {
        let pattern = StreamPattern(key: 5)
        for length in 0...40 {
            var bytes = [UInt8](repeating: 0, count: length)
            bytes.withUnsafeMutableBytes { pattern.fill($0, from: offset) }
            #expect(bytes == (0..<UInt64(length)).map { pattern[offset + $0] })
            bytes.withUnsafeBytes { #expect(pattern.firstMismatch($0, at: offset) == nil) }
        }
    }

    @Test func noticesEveryWrongByteAndEveryShift() {
        let pattern = StreamPattern(key: 6)
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes.withUnsafeMutableBytes { pattern.fill($0, from: 100) }
        for index in bytes.indices {
            bytes[index] ^= 0x10
            bytes.withUnsafeBytes { #expect(pattern.firstMismatch($0, at: 100) == index) }
            bytes[index] ^= 0x10
        }
        bytes.withUnsafeBytes { #expect(pattern.firstMismatch($0, at: 101) != nil) }
        bytes.withUnsafeBytes { #expect(StreamPattern(key: 7).firstMismatch($0, at: 100) != nil) }
    }
}
