import Testing

@testable import LRP2PCore

/// The frames of a plaintext as text, and the error it ends with.
func describeFrames(_ bytes: [UInt8]) -> [String] {
    bytes.withUnsafeBytes { buffer in
        var reader = FrameReader(buffer)
        var result: [String] = []
        do {
            while let frame = try reader.next() { result.append(describe(frame)) }
        } catch {
            result.append("\(error)")
        }
        return result
    }
}

private func describe(_ frame: Frame) -> String {
    switch frame {
    case .padding: return "padding"
    case .ping: return "ping"
    case .acknowledgement(let value):
        let ecn = value.ecn.map { " ecn \($0.ect0) \($0.ect1) \($0.ce)" } ?? ""
        let ranges = value.ranges.map { "\($0.lowerBound)-\($0.upperBound)" }
        return "ack \(ranges.joined(separator: " ")) after \(value.delay.nanoseconds)" + ecn
    case .reset(let code): return "reset \(code)"
    case .pathChallenge(let data): return "challenge \(data)"
    case .pathResponse(let data): return "response \(data)"
    case .window(let maximum): return "window \(maximum)"
    case .delivered(let offset): return "delivered \(offset)"
    case .datagram(let payload): return "datagram \(Array(payload))"
    case .stream(let offset, let payload, let isFinal):
        return "stream \(offset) \(Array(payload))" + (isFinal ? " final" : "")
    }
}

/// Bytes written out by hand from the layout in ExtendedWireFormat.md.
struct FrameTests {
    @Test func fixedFrames() {
        #expect(describeFrames([]) == [])
        #expect(describeFrames([0x01]) == ["ping"])
        #expect(describeFrames([0x04, 0x40, 0x80]) == ["reset 128"])
        #expect(
            describeFrames([0x05, 0, 0, 0, 0, 0, 0, 1, 2]) == ["challenge 258"])
        #expect(
            describeFrames([0x06, 0, 0, 0, 0, 0, 0, 1, 3]) == ["response 259"])
        #expect(describeFrames([0x07, 0x80, 0x01, 0, 0]) == ["window 65536"])
        #expect(describeFrames([0x0a, 0x40, 0x64]) == ["delivered 100"])
    }

    @Test func paddingIsOneFrame() {
        for length in 1...40 {
            let zeros = [UInt8](repeating: 0, count: length)
            #expect(describeFrames(zeros) == ["padding"])
            #expect(describeFrames([1] + zeros + [1]) == ["ping", "padding", "ping"])
        }
    }

    @Test func streams() {
        #expect(describeFrames([0x10, 0x05, 7, 8]) == ["stream 5 [7, 8]"])
        #expect(describeFrames([0x11, 0x05, 7]) == ["stream 5 [7] final"])
        #expect(describeFrames([0x11, 0x05]) == ["stream 5 [] final"])
        #expect(
            describeFrames([0x12, 0x05, 0x02, 7, 8, 0x01]) == ["stream 5 [7, 8]", "ping"])
        #expect(
            describeFrames([0x13, 0x05, 0x01, 7, 0x00]) == ["stream 5 [7] final", "padding"])
    }

    @Test func datagrams() {
        #expect(describeFrames([0x08]) == ["datagram []"])
        #expect(describeFrames([0x08, 1, 2]) == ["datagram [1, 2]"])
        #expect(
            describeFrames([0x09, 0x01, 5, 0x09, 0x00, 0x01])
                == ["datagram [5]", "datagram []", "ping"])
    }

    @Test func acknowledgements() {
        #expect(describeFrames([0x02, 9, 3, 0, 9]) == ["ack 0-9 after 3000"])
        // 90 to 100, one missing, 85 to 88, ten missing, 74.
        #expect(
            describeFrames([0x02, 0x40, 100, 0, 2, 10, 0, 3, 9, 0, 0x01])
                == ["ack 90-100 85-88 74-74 after 0", "ping"])
        #expect(
            describeFrames([0x03, 1, 2, 0, 0, 4, 5, 0x40, 6])
                == ["ack 1-1 after 2000 ecn 4 5 6"])
    }

    @Test func onlySomeAskForAnAcknowledgement() throws {
        let eliciting: [(bytes: [UInt8], elicits: Bool)] = [
            ([0x00], false), ([0x01], true), ([0x02, 0, 0, 0, 0], false), ([0x04, 0], true),
            ([0x05, 0, 0, 0, 0, 0, 0, 0, 0], true), ([0x06, 0, 0, 0, 0, 0, 0, 0, 0], true),
            ([0x07, 0], true), ([0x08], true), ([0x10, 0], true),
        ]
        for (bytes, elicits) in eliciting {
            let answer = try bytes.withUnsafeBytes { buffer in
                var reader = FrameReader(buffer)
                return try reader.next()?.isAckEliciting
            }
            #expect(answer == elicits)
        }
    }

    @Test func anAbsurdDelayIsTheLongestThereIs() {
        let frames = describeFrames([0x02, 0] + [UInt8](repeating: 0xff, count: 8) + [0, 0])
        #expect(frames == ["ack 0-0 after \(Int64.max / 1000 * 1000)"])
    }

    @Test func framesThatEndTooSoonAreNotRead() {
        let whole: [[UInt8]] = [
            [0x02, 0x40, 100, 0, 1, 10, 0, 3], [0x03, 1, 2, 0, 0, 4, 5, 6], [0x04, 0x40, 0x80],
            [0x05, 1, 2, 3, 4, 5, 6, 7, 8], [0x06, 1, 2, 3, 4, 5, 6, 7, 8], [0x07, 0x40, 1],
            [0x09, 2, 1, 1], [0x12, 5, 2, 1, 1], [0x13, 0x40, 5, 2, 1, 1],
        ]
        for bytes in whole {
            #expect(describeFrames([1] + bytes).count == 2)
            for end in 1..<bytes.count {
                #expect(
                    describeFrames([1] + bytes[..<end]) == ["ping", "truncated"], "\(bytes) \(end)")
            }
        }
    }

    @Test func theRestBehindAnErrorIsNotRead() throws {
        #expect(describeFrames([0x01, 0x0b, 0x01]) == ["ping", "unknownKind(11)"])
        for kind in (0x0b...0xff as ClosedRange<UInt8>) where kind & 0xfc != 0x10 {
            #expect(describeFrames([kind]) == ["unknownKind(\(kind))"])
        }
        let bytes: [UInt8] = [0x0f, 0x01]
        let readOn = try bytes.withUnsafeBytes { buffer in
            var reader = FrameReader(buffer)
            #expect(throws: FrameError.unknownKind(0x0f)) { _ = try reader.next() }
            return try reader.next() != nil
        }
        #expect(!readOn)
    }

    @Test func rangesStayAboveZero() {
        #expect(describeFrames([0x02, 9, 0, 0, 10]) == ["rangeBelowZero"])
        #expect(describeFrames([0x02, 9, 0, 1, 0, 7, 0]) == ["ack 9-9 0-0 after 0"])
        #expect(describeFrames([0x02, 9, 0, 1, 0, 7, 1]) == ["rangeBelowZero"])
        #expect(describeFrames([0x02, 9, 0, 1, 0, 8, 0]) == ["rangeBelowZero"])
        let huge = [UInt8](repeating: 0xff, count: 8)
        #expect(describeFrames([0x02, 9, 0, 1, 0] + huge + huge) == ["rangeBelowZero"])
    }

    @Test func rangesHaveALimit() {
        let most = [0x02] + [0x44, 0, 0, 0x40, 255, 0] as [UInt8]
        let ranges = [UInt8](repeating: 0, count: 2 * 255)
        let frames = describeFrames(most + ranges)
        #expect(frames.count == 1 && frames[0].contains(" 514-514 after 0"))
        let tooMany = [0x02] + [0x44, 0, 0, 0x41, 0, 0] as [UInt8]
        #expect(describeFrames(tooMany + ranges + [0, 0]) == ["tooManyRanges"])
    }

    @Test func theStreamHasAnEnd() {
        let last = [UInt8](repeating: 0xff, count: 8)
        #expect(describeFrames([0x11] + last) == ["stream \(UInt64(1) << 62 - 1) [] final"])
        #expect(describeFrames([0x10] + last + [1]) == ["offsetTooLarge"])
    }
}
