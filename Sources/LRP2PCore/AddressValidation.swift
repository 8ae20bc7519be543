import Sodium

/// Makes a stranger prove, before anything is kept for it, that it receives what is sent to its
/// address (RFC 9000 §8.1.2).
///
/// Under load, a first message with an offer is answered with a retry: a cookie that only this
/// endpoint can make, bound to the source address, the connection id and the time. The initiator
/// repeats its message with the cookie in it.
struct AddressValidation: ~Copyable {
    static let secretLength = 32
    static let cookieLength = 24
    /// A cookie is good in the period it was made in and in the next one.
    static let period = Interval.seconds(10)
    /// Bytes of the retry we send. None of the handshake messages of a base peer is as long.
    static let retryLength = retryHeaderLength + cookieLength

    private static let retryHeaderLength =
        WireFormat.connectionIDLength + HandshakePayload.magic.count
    /// Cookies of others may have other lengths. Shorter ones could be guessed.
    private static let acceptedCookieLength =
        20...TransportParameters.addressCookieLength.upperBound

    private let secret: SecretBytes

    private static let keyLabel = "LRP2P address validation 1"

    /// - Parameter staticKey: the node's private key, from which the secret is derived.
    init(staticKey: borrowing SecretBytes) {
        secret = .derived(from: staticKey, label: Self.keyLabel)
    }

    /// - Parameter secret: `secretLength` unpredictable bytes.
    init(secret: consuming SecretBytes) {
        precondition(secret.count == Self.secretLength)
        self.secret = secret
    }

    borrowing func cookie(
        for source: SocketAddress, _ id: ConnectionID, now: Instant
    ) -> [UInt8] {
        cookie(for: source, id, period: Self.period(at: now))
    }

    /// Whether we gave this cookie to this address for this connection, not long ago.
    borrowing func isValid(
        _ cookie: [UInt8], for source: SocketAddress, _ id: ConnectionID, now: Instant
    ) -> Bool {
        guard cookie.count == Self.cookieLength else { return false }
        let period = Self.period(at: now)
        return Sodium.areEqual(cookie, self.cookie(for: source, id, period: period))
            || Sodium.areEqual(cookie, self.cookie(for: source, id, period: period - 1))
    }

    private static func period(at now: Instant) -> Int64 {
        now.nanoseconds / period.nanoseconds
    }

    private borrowing func cookie(
        for source: SocketAddress, _ id: ConnectionID, period: Int64
    ) -> [UInt8] {
        let numbers = (
            id.rawValue, source.high, source.low, UInt64(bitPattern: period),
            UInt64(source.scopeID) << 32 | UInt64(source.port) << 8 | UInt64(source.family.rawValue)
        )
        var cookie = [UInt8](repeating: 0, count: Self.cookieLength)
        withUnsafeBytes(of: numbers) { input in
            cookie.withUnsafeMutableBytes { BLAKE2b.keyedHash(key: secret, input, into: $0) }
        }
        return cookie
    }

    /// The answer to a first message whose sender has to prove its address.
    borrowing func retry(
        for source: SocketAddress, _ id: ConnectionID, now: Instant
    ) -> [UInt8] {
        withUnsafeBytes(of: id.rawValue.bigEndian) { Array($0) } + HandshakePayload.magic
            + cookie(for: source, id, now: now)
    }

    /// The cookie of a retry; `nil` when the datagram is none. Its connection id is the caller's
    /// to compare.
    static func cookie(ofRetry datagram: UnsafeRawBufferPointer) -> [UInt8]? {
        guard acceptedCookieLength.contains(datagram.count - retryHeaderLength),
            datagram[WireFormat.connectionIDLength..<retryHeaderLength]
                .elementsEqual(HandshakePayload.magic)
        else { return nil }
        return Array(datagram[retryHeaderLength...])
    }
}
