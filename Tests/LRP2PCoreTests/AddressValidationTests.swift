import Sodium
import Testing

@testable import LRP2PCore

struct AddressValidationTests {
    private let id = ConnectionID(rawValue: 0x0102_0304_0506_0708)
    private let source = SocketAddress(ipv4: 0x0a00_0001, port: 1000)
    private let start = Instant(nanoseconds: 100_000_000_000)

    private func make(seed: UInt8 = 1) -> AddressValidation {
        AddressValidation(secret: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
    }

    private func cookie(ofRetry datagram: [UInt8]) -> [UInt8]? {
        datagram.withUnsafeBytes { AddressValidation.cookie(ofRetry: $0) }
    }

    @Test func aCookieIsGoodForOneToTwoPeriods() {
        let validation = make()
        for (age, expected) in [
            (0, true), (9_999, true), (10_000, true), (19_999, true), (20_000, false),
            (1_000_000, false), (-1, false),
        ] {
            let cookie = validation.cookie(for: source, id, now: start)
            let isValid = validation.isValid(
                cookie, for: source, id, now: start + .milliseconds(Int64(age)))
            #expect(isValid == expected, "\(age) ms")
        }
    }

    @Test func aCookieIsBoundToWhatItWasMadeFor() {
        let validation = make()
        let cookie = validation.cookie(for: source, id, now: start)
        let others = [
            SocketAddress(ipv4: 0x0a00_0002, port: 1000), source.with(port: 1001),
            SocketAddress(ipv6High: 1, low: 0x0a00_0001, port: 1000),
            SocketAddress(ipv6High: 0, low: 0x0a00_0001, port: 1000),
            SocketAddress(ipv6High: 0, low: 0x0a00_0001, scopeID: 2, port: 1000),
        ]
        for other in others {
            let isValid = validation.isValid(cookie, for: other, id, now: start)
            #expect(!isValid)
            #expect(validation.cookie(for: other, id, now: start).count == cookie.count)
        }
        let otherConnection = validation.isValid(
            cookie, for: source, ConnectionID(rawValue: 7), now: start)
        let otherEndpoint = make(seed: 2).isValid(cookie, for: source, id, now: start)
        #expect(!otherConnection && !otherEndpoint)
        for index in cookie.indices {
            var damaged = cookie
            damaged[index] ^= 0x80
            let isValid = validation.isValid(damaged, for: source, id, now: start)
            #expect(!isValid)
        }
        let short = validation.isValid(Array(cookie.dropLast()), for: source, id, now: start)
        let none = validation.isValid([], for: source, id, now: start)
        #expect(!short && !none)
    }

    @Test func theRetrySaysWhatItIs() {
        let validation = make()
        let retry = validation.retry(for: source, id, now: start)
        let cookie = validation.cookie(for: source, id, now: start)
        #expect(retry == [1, 2, 3, 4, 5, 6, 7, 8, 0x4c, 0x52, 0x58, 0x01] + cookie)
        #expect(self.cookie(ofRetry: retry) == cookie)
        #expect(retry.count == AddressValidation.retryLength && retry.count == 36)
        #expect(TransportParameters.addressCookieLength.contains(cookie.count))
        // Not the size of a handshake message, nor too short to be looked at.
        #expect(retry.count >= WireFormat.minimumDataDatagram)
        #expect(retry.count != WireFormat.minimumFirstMessage)
        #expect(!WireFormat.laterMessages.contains(retry.count))
    }

    @Test func nothingElseIsARetry() {
        let retry = make().retry(for: source, id, now: start)
        for index in 8..<12 {
            var other = retry
            other[index] ^= 1
            #expect(cookie(ofRetry: other) == nil)
        }
        for length in 0...200 {
            let bytes = Array((retry + [UInt8](repeating: 0, count: 200)).prefix(length))
            #expect((cookie(ofRetry: bytes) != nil) == (32...76).contains(length))
        }
    }
}
