/// Packets without their payload, for simulations with more bytes in flight than a machine has
/// memory (`EndpointConfiguration.elidesPayload`).
///
/// Everything but the payload is done as ever: numbers, frames, keys, recovery, flow control. A
/// stream frame is the last of a packet and its payload the end of it, so what is left is a
/// shorter plaintext, which is followed by how much is missing.
extension Connection {
    /// Bytes of that number.
    private static let trailerLength = 4

    /// As `seal`, but for the last `elided` bytes of the plaintext, which need not be there.
    ///
    /// - Returns: bytes of the datagram as it is in the buffer.
    func sealEliding(
        _ elided: Int, of length: Int, field: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        plaintext(of: buffer).storeBytes(
            of: UInt32(elided), toByteOffset: length - elided, as: UInt32.self)
        return seal(length - elided + Self.trailerLength, field: field, into: buffer)
    }

    /// The plaintext in the length it would have. Its payload, at the end, must not be read; a ring
    /// without storage does not.
    func restoreElided(_ plaintext: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let carried = plaintext.count - Self.trailerLength
        guard carried >= 0 else { return plaintext }
        let elided = plaintext.loadUnaligned(fromByteOffset: carried, as: UInt32.self)
        return UnsafeRawBufferPointer(
            start: plaintext.baseAddress, count: carried + Int(elided))
    }
}
