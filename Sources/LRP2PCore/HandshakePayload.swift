/// The layout of a handshake payload: a magic number, then entries of type, length and value.
enum HandshakePayload {
    /// "LRX" and a version. What begins otherwise comes from a peer of the base protocol.
    static let magic: [UInt8] = [0x4c, 0x52, 0x58, 0x01]

    enum Entry {
        static let padding: UInt8 = 0
        static let features: UInt8 = 1
        static let maximumDatagram: UInt8 = 2
        static let receiveLimit: UInt8 = 3
        static let acknowledgementPolicy: UInt8 = 4
        static let idleTimeout: UInt8 = 5
        static let statelessResetToken: UInt8 = 6
        static let applicationProtocol: UInt8 = 7
        static let addressCookie: UInt8 = 8
        static let deliveryReports: UInt8 = 9
        static let headerLength = 2
        static let maximumValueLength = 255
    }
}

// MARK: Writing

extension TransportParameters {
    /// The payload. Application protocols must have 1 … 255 bytes each, a reset token 16, an
    /// address cookie 1 … 64; other values are brought into their ranges.
    ///
    /// - Parameter minimumLength: PADDING fills up to it. The payload is one byte longer when just
    ///   one byte was missing, because an entry has two at least.
    func encode(minimumLength: Int = 0) -> [UInt8] {
        typealias Entry = HandshakePayload.Entry
        var payload = HandshakePayload.magic
        func append(_ type: UInt8, _ value: some Collection<UInt8>) {
            precondition(value.count <= Entry.maximumValueLength, "longer than an entry can be")
            payload.append(type)
            payload.append(UInt8(value.count))
            payload.append(contentsOf: value)
        }
        let bits = Self.bytes(features.rawValue)
        append(Entry.features, bits.dropFirst(min(7, features.rawValue.leadingZeroBitCount / 8)))
        let datagram = min(maximumDatagram, Self.maximumDatagramRange.upperBound)
        append(Entry.maximumDatagram, Self.bytes(UInt16(max(0, datagram))))
        append(
            Entry.receiveLimit, Self.bytes(min(receiveLimit, VariableLengthInteger.maximum)))
        let delay = min(max(.zero, maximumAcknowledgementDelay), Self.longestAcknowledgementDelay)
        append(
            Entry.acknowledgementPolicy,
            [UInt8(min(max(1, acknowledgementThreshold), 255))]
                + Self.bytes(UInt32(delay.nanoseconds / 1000)))
        if let idleTimeout {
            let milliseconds = max(idleTimeout, Self.shortestIdleTimeout).nanoseconds / 1_000_000
            append(Entry.idleTimeout, Self.bytes(UInt32(clamping: milliseconds)))
        }
        if let statelessResetToken {
            precondition(statelessResetToken.count == StatelessReset.tokenLength)
            append(Entry.statelessResetToken, statelessResetToken)
        }
        for name in applicationProtocols {
            precondition(Self.applicationProtocolLength.contains(name.utf8.count))
            append(Entry.applicationProtocol, name.utf8)
        }
        if let addressCookie {
            precondition(Self.addressCookieLength.contains(addressCookie.count))
            append(Entry.addressCookie, addressCookie)
        }
        if reportsDelivery { append(Entry.deliveryReports, []) }
        Self.pad(&payload, to: minimumLength)
        return payload
    }

    /// The payload of message 1, which anyone on the path can read: without the reset token, which
    /// would let them end the connection.
    func encodeOffer() -> [UInt8] {
        var offer = self
        offer.statelessResetToken = nil
        return offer.encode(minimumLength: WireFormat.minimumOffer)
    }

    /// The payload of message 3, which only the responder can read: the reset token of the
    /// initiator. Always as long.
    func encodeConfirmation() -> [UInt8] {
        guard let statelessResetToken else { return [] }
        precondition(statelessResetToken.count == StatelessReset.tokenLength)
        let header = [HandshakePayload.Entry.statelessResetToken, UInt8(StatelessReset.tokenLength)]
        return HandshakePayload.magic + header + statelessResetToken
    }

    private static func pad(_ payload: inout [UInt8], to length: Int) {
        while payload.count < length {
            let missing = length - payload.count - HandshakePayload.Entry.headerLength
            var count = min(max(0, missing), HandshakePayload.Entry.maximumValueLength)
            // A single byte that is left over could not be filled.
            if missing - count == 1 { count -= 1 }
            payload.append(HandshakePayload.Entry.padding)
            payload.append(UInt8(count))
            payload.append(contentsOf: repeatElement(0, count: count))
        }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

// MARK: Reading

extension TransportParameters {
    /// What the peer offers or answers; `nil` when the payload is none of ours or malformed, and
    /// the peer gets the base protocol. Entries of unknown type are skipped, so that later versions
    /// can add some; of an entry that may not be repeated, the first one counts.
    static func parse(_ payload: [UInt8]) -> TransportParameters? {
        guard payload.starts(with: HandshakePayload.magic) else { return nil }
        var parameters = TransportParameters()
        // One bit per type, for those that count once.
        var seen: UInt64 = 0
        var rest = payload[HandshakePayload.magic.count...]
        while !rest.isEmpty {
            guard rest.count >= HandshakePayload.Entry.headerLength else { return nil }
            let type = rest.removeFirst()
            let length = Int(rest.removeFirst())
            guard rest.count >= length else { return nil }
            let value = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard type <= HandshakePayload.Entry.deliveryReports else { continue }
            let isRepeated = seen >> UInt64(type) & 1 == 1
            seen |= 1 << UInt64(type)
            if isRepeated, type != HandshakePayload.Entry.applicationProtocol { continue }
            guard parameters.take(type, value) else { return nil }
        }
        if !parameters.features.contains(.extendedTransport) { parameters.features = [] }
        return parameters
    }

    /// Returns whether the value has a form its type allows.
    private mutating func take(_ type: UInt8, _ value: ArraySlice<UInt8>) -> Bool {
        typealias Entry = HandshakePayload.Entry
        switch type {
        case Entry.features:
            guard (1...8).contains(value.count) else { return false }
            features = Features(rawValue: Self.integer(value))
        case Entry.maximumDatagram:
            guard value.count == 2 else { return false }
            let bytes = Int(Self.integer(value))
            maximumDatagram = bytes < Self.maximumDatagramRange.lowerBound
                ? Self.defaultMaximumDatagram
                : min(bytes, Self.maximumDatagramRange.upperBound)
        case Entry.receiveLimit:
            guard value.count == 8 else { return false }
            receiveLimit = min(Self.integer(value), VariableLengthInteger.maximum)
        case Entry.acknowledgementPolicy:
            guard value.count == 5, let packets = value.first else { return false }
            acknowledgementThreshold = max(1, Int(packets))
            maximumAcknowledgementDelay = min(
                .microseconds(Int64(Self.integer(value.dropFirst()))),
                Self.longestAcknowledgementDelay)
        case Entry.idleTimeout:
            guard value.count == 4 else { return false }
            let milliseconds = Int64(Self.integer(value))
            idleTimeout = milliseconds == 0
                ? nil : max(.milliseconds(milliseconds), Self.shortestIdleTimeout)
        case Entry.statelessResetToken:
            guard value.count == StatelessReset.tokenLength else { return false }
            statelessResetToken = Array(value)
        case Entry.applicationProtocol:
            guard !value.isEmpty, let name = String(validating: value, as: UTF8.self) else {
                return false
            }
            if applicationProtocols.count < Self.maximumApplicationProtocols {
                applicationProtocols.append(name)
            }
        case Entry.addressCookie:
            guard Self.addressCookieLength.contains(value.count) else { return false }
            addressCookie = Array(value)
        case Entry.deliveryReports:
            guard value.isEmpty else { return false }
            reportsDelivery = true
        default:
            break
        }
        return true
    }

    /// Big-endian; at most eight bytes.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
