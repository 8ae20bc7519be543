/// The content of one direction of a connection: each byte follows from a key and its offset, so
/// that a reader can check what it got without anyone keeping it, and bytes of another
/// connection, or of another offset, are noticed.
public struct StreamPattern: Sendable {
    private let key: UInt64

    public init(key: UInt64) {
        self.key = key
    }

    public subscript(offset: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: word(offset / 8) >> (offset % 8 * 8))
    }

    /// Writes the bytes of the stream from `offset` on.
    public func fill(_ buffer: UnsafeMutableRawBufferPointer, from offset: UInt64) {
        var position = 0
        while position < buffer.count {
            let at = offset + UInt64(position)
            if at % 8 == 0, position + 8 <= buffer.count {
                buffer.storeBytes(
                    of: word(at / 8).littleEndian, toByteOffset: position, as: UInt64.self)
                position += 8
            } else {
                buffer[position] = self[at]
                position += 1
            }
        }
    }

    /// The index of the first byte that is not what the stream holds at that place.
    public func firstMismatch(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) -> Int? {
        var position = 0
        while position < buffer.count {
            let at = offset + UInt64(position)
            if at % 8 == 0, position + 8 <= buffer.count,
               buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)
               == word(at / 8).littleEndian {
                position += 8
            } else if buffer[position] == self[at] {
                position += 1
            } else {
                return position
            }
        }
        return nil
    }

    private func word(_ index: UInt64) -> UInt64 {
        SplitMix64.mix(key &+ index &* 0x9e37_79b9_7f4a_7c15)
    }
}
