/// Secret key material of fixed length that is overwritten when its owner goes away.
///
/// Not copyable, so that there is exactly one place in memory to wipe.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    /// Bytes of the secret; never changes.
    public var count: Int { storage.count }

    /// Makes `count` bytes and lets `body` fill them. They are zero before.
    public init<E: Error>(
        count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        storage = .allocate(byteCount: count, alignment: 16)
        Sodium.wipe(storage)
        try body(storage)
    }

    /// Takes a copy; wiping the original is up to the caller.
    public init(copying bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// Takes a copy; wiping the original is up to the caller.
    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit {
        Sodium.wipe(storage)
        storage.deallocate()
    }

    /// The bytes, for the length of the call. The pointer must not escape.
    @inline(__always)
    public func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// A second owner of the same bytes.
    public borrowing func copy() -> SecretBytes {
        SecretBytes(copying: UnsafeRawBufferPointer(storage))
    }

    /// A second owner of the first `length` bytes.
    public borrowing func prefix(_ length: Int) -> SecretBytes {
        SecretBytes(copying: UnsafeRawBufferPointer(rebasing: storage[..<length]))
    }
}
