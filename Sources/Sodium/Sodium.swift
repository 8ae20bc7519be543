import CSodium

/// The few libsodium calls the protocol needs, with Swift types and typed errors.
///
/// Everything here is safe to call from any thread.
public enum Sodium {
    /// libsodium picks its implementations on first use; `let` makes that happen once.
    private static let isInitialized: Bool = sodium_init() >= 0

    /// Must have been called before anything else of this module is used; cheap to repeat.
    ///
    /// A process without a usable source of randomness must not go on, so failure traps.
    public static func initialize() {
        precondition(isInitialized, "libsodium could not be initialised")
    }

    /// Fills the buffer from the operating system's cryptographic random source.
    public static func fillWithRandomBytes(_ buffer: UnsafeMutableRawBufferPointer) {
        initialize()
        guard let base = buffer.baseAddress else { return }
        randombytes_buf(base, buffer.count)
    }

    /// `count` bytes from the operating system's cryptographic random source.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fillWithRandomBytes($0) }
        return bytes
    }

    /// Compares without telling by its run time where two values differ.
    /// Values of different lengths are unequal at once; a length is no secret.
    public static func areEqual(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer
    ) -> Bool {
        guard a.count == b.count else { return false }
        guard let one = a.baseAddress, let other = b.baseAddress else { return true }
        return sodium_memcmp(one, other, a.count) == 0
    }

    /// The same for arrays.
    public static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBytes { a in b.withUnsafeBytes { areEqual(a, $0) } }
    }

    /// Overwrites memory in a way the optimiser does not remove.
    public static func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress else { return }
        sodium_memzero(base, buffer.count)
    }

    /// Overwrites the bytes of an array that no one else shares.
    public static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { wipe($0) }
    }
}

/// What can go wrong in a primitive.
public enum SodiumError: Error, Equatable {
    /// A key of this length was expected.
    case wrongKeyLength(expected: Int, found: Int)
    /// The public key has small order: the shared secret would be all zero (RFC 7748 §6.1).
    case weakPublicKey
    /// The ciphertext is not authentic under this key, nonce and associated data.
    case authenticationFailed
}

extension UnsafeRawBufferPointer {
    /// The bytes as C functions want them. The buffer must not be empty.
    @inline(__always)
    var octets: UnsafePointer<UInt8> {
        guard let base = assumingMemoryBound(to: UInt8.self).baseAddress else {
            preconditionFailure("an empty buffer has no address")
        }
        return base
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The bytes as C functions want them. The buffer must not be empty.
    @inline(__always)
    var octets: UnsafeMutablePointer<UInt8> {
        guard let base = assumingMemoryBound(to: UInt8.self).baseAddress else {
            preconditionFailure("an empty buffer has no address")
        }
        return base
    }
}
