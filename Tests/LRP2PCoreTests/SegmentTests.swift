import Testing

@testable import LRP2PCore

struct SegmentTests {
    private func parse(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { buffer in
            switch Segment.parse(buffer) {
            case .keepAlive: "keepalive"
            case .data(let number, let payload): "data \(number) \(Array(payload))"
            case .acknowledgement(let value):
                "ack \(value.acknowledged) last \(value.lastInOrder) window \(value.window)"
                    + (value.hasFourByteWindow ? " four" : "")
            case nil: "malformed"
            }
        }
    }

    @Test func dataWithAndWithoutPayload() {
        #expect(parse([6, 2, 0, 0, 0, 0, 1, 2]) == "data 0 [1, 2]")
        #expect(parse([6, 8, 1, 2, 3, 4]) == "data \(0x0102_0304) []")
        // What a longer header holds is not known to us, but where it ends is.
        #expect(parse([8, 0, 0, 0, 0, 7, 9, 9, 5]) == "data 7 [5]")
    }

    @Test func acknowledgementsInBothForms() {
        #expect(
            parse([9, 1, 0, 0, 0, 5, 1, 0, 2, 0, 0, 0, 7]) == "ack 7 last 5 window 65538")
        #expect(
            parse([10, 1, 0, 0, 0, 5, 0, 0, 255, 255, 0, 0, 0, 7])
                == "ack 7 last 5 window 65535 four")
        #expect(
            parse([9, 1, 0, 0, 0, 5, 0, 0, 2, 0, 0, 0, 7, 99, 98]) == "ack 7 last 5 window 2",
            "bytes after the acknowledged number are ignored")
    }

    @Test func nothingElse() {
        #expect(parse([]) == "keepalive")
        for bytes in [
            [6], [6, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0],
            [6, 1, 0, 0, 0, 0, 0, 0, 0, 0], [9, 1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0],
            [11, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]] { #expect(parse(bytes) == "malformed") }
    }

    @Test func whatWeWriteIsTheSpecificationsForm() {
        var bytes = [UInt8](repeating: 0xee, count: Segment.acknowledgementLength)
        bytes.withUnsafeMutableBytes {
            Segment.writeAcknowledgement(
                lastInOrder: 0x0102_0304, window: 0x0506_07, acknowledged: 0x0809_0a0b, to: $0)
        }
        #expect(bytes == [9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        var header = [UInt8](repeating: 0xee, count: 6)
        header.withUnsafeMutableBytes {
            Segment.writeDataHeader(
                sequenceNumber: 0x0102_0304, flags: [.synchronize, .retransmission], to: $0)
        }
        #expect(header == [6, 10, 1, 2, 3, 4])
    }
}

struct SequenceNumberTests {
    @Test func theNearestPositionIsMeant() {
        let wrap: UInt64 = 1 << 32
        #expect(SequenceNumber.position(of: 5, near: 0) == 5)
        #expect(SequenceNumber.position(of: 0, near: wrap - 1) == wrap)
        #expect(SequenceNumber.position(of: .max, near: wrap + 3) == wrap - 1)
        #expect(SequenceNumber.position(of: 7, near: 5 * wrap + 9) == 5 * wrap + 7)
        #expect(SequenceNumber.position(of: .max, near: 0) == nil)
    }
}
