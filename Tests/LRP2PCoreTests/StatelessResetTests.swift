import Sodium
import Testing

@testable import LRP2PCore

struct StatelessResetTests {
    private let id: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    private let number = ConnectionID(rawValue: 0x0102_0304_0506_0708)

    private func makeReset(seed: Int = 0) -> StatelessReset {
        StatelessReset(
            staticKey: SecretBytes(copying: (0..<32).map { UInt8($0 + seed) }))
    }

    private func answer(_ datagram: [UInt8]) -> [UInt8]? {
        let reset = makeReset()
        return datagram.withUnsafeBytes { datagram in
            reset.answer(to: datagram) { buffer in
                for index in buffer.indices { buffer[index] = 0xaa }
            }
        }
    }

    private func isReset(_ datagram: [UInt8], _ token: [UInt8]) -> Bool {
        datagram.withUnsafeBytes { StatelessReset.isReset($0, token: token) }
    }

    private func packet(_ length: Int, first: UInt8 = 0x80) -> [UInt8] {
        id + [first] + [UInt8](repeating: 0x77, count: length - 9)
    }

    /// Computed with Python's hashlib.
    @Test func theTokenDependsOnKeyAndConnection() {
        let token = makeReset().token(for: number)
        #expect(
            token == [
                0xd4, 0xd8, 0x5c, 0xe0, 0x21, 0x97, 0x8d, 0x8b,
                0x80, 0x89, 0xe5, 0xb0, 0x2c, 0xfc, 0x88, 0x87,
            ])
        #expect(token != makeReset(seed: 1).token(for: number))
        #expect(token != makeReset().token(for: ConnectionID(rawValue: 0x0102_0304_0506_0709)))
    }

    @Test func theLayout() {
        let token = makeReset().token(for: number)
        let random = { (count: Int) in [UInt8](repeating: 0xaa, count: count) }
        #expect(answer(packet(42)) == id + [0, 0, 0, 0] + random(13) + token)
        #expect(answer(packet(1400)) == id + [0, 0, 0, 0] + random(36) + token)
    }

    @Test func isShorterThanWhatItAnswers() throws {
        #expect(answer(packet(41)) == nil)
        for length in 42...200 {
            let reset = try #require(answer(packet(length)))
            #expect(reset.count < length && (41...64).contains(reset.count))
        }
    }

    @Test func answersOnlyExtendedPackets() {
        #expect(answer(packet(100, first: 0x7f)) == nil)
        #expect(answer(packet(100, first: 0x00)) == nil)
        #expect(answer(packet(100, first: 0xff)) != nil)
    }

    @Test func twoNodesDoNotAnswerEachOther() throws {
        #expect(answer(try #require(answer(packet(1400)))) == nil)
    }

    @Test func isRecognisedByItsTokenAlone() throws {
        let token = makeReset().token(for: number)
        let reset = try #require(answer(packet(1400)))
        #expect(isReset(reset, token))
        for index in (reset.count - 16)..<reset.count {
            var other = reset
            other[index] ^= 1
            #expect(!isReset(other, token))
        }
        for index in 8..<12 {
            var other = reset
            other[index] ^= 1
            #expect(!isReset(other, token))
        }
        #expect(!isReset(Array(reset[..<40]), token))
        #expect(!isReset([], token))
        #expect(!isReset(reset, []))
        #expect(isReset(id + [0, 0, 0, 0] + [UInt8](repeating: 3, count: 999) + token, token))
    }
}
