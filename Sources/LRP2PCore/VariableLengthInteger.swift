/// Integers of 1, 2, 4 or 8 bytes, whose length stands in the two highest bits (RFC 9000 §16).
///
/// The length is always the shortest when written; any is accepted when read, as in QUIC.
enum VariableLengthInteger {
    /// The largest value there is room for.
    static let maximum: UInt64 = 1 << 62 - 1
    /// Bytes of the longest encoding.
    static let maximumLength = 8

    /// Bytes that `write` takes for a value: 1, 2, 4 or 8.
    @inline(__always)
    static func length(of value: UInt64) -> Int {
        if value < 1 << 6 { return 1 }
        if value < 1 << 14 { return 2 }
        if value < 1 << 30 { return 4 }
        return 8
    }

    /// Writes a value of at most `maximum`; the caller has made sure that there is room for
    /// `length(of:)` bytes. Returns how many they were.
    @inline(__always)
    static func write(_ value: UInt64, to pointer: UnsafeMutableRawPointer) -> Int {
        assert(value <= maximum)
        if value < 1 << 6 {
            pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        if value < 1 << 14 {
            let bits = UInt16(truncatingIfNeeded: value) | 0x4000
            pointer.storeBytes(of: bits.bigEndian, as: UInt16.self)
            return 2
        }
        if value < 1 << 30 {
            let bits = UInt32(truncatingIfNeeded: value) | 0x8000_0000
            pointer.storeBytes(of: bits.bigEndian, as: UInt32.self)
            return 4
        }
        pointer.storeBytes(of: (value | 0xc000_0000_0000_0000).bigEndian, as: UInt64.self)
        return 8
    }

    /// Reads the value at `position` and moves `position` behind it; `nil`, and `position` stays,
    /// when the bytes end before it does.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt64? {
        let available = bytes.count &- position
        guard available > 0, let base = bytes.baseAddress else { return nil }
        let start = base + position
        let first = start.load(as: UInt8.self)
        switch first >> 6 {
        case 0:
            position &+= 1
            return UInt64(first)
        case 1:
            guard available >= 2 else { return nil }
            position &+= 2
            return UInt64(UInt16(bigEndian: start.loadUnaligned(as: UInt16.self)) & 0x3fff)
        case 2:
            guard available >= 4 else { return nil }
            position &+= 4
            return UInt64(UInt32(bigEndian: start.loadUnaligned(as: UInt32.self)) & 0x3fff_ffff)
        default:
            guard available >= 8 else { return nil }
            position &+= 8
            return UInt64(bigEndian: start.loadUnaligned(as: UInt64.self)) & maximum
        }
    }
}
