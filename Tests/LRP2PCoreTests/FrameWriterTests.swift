import Testing

@testable import LRP2PCore

/// Bytes written out by hand from the layout in ExtendedWireFormat.md.
struct FrameWriterTests {
    private func write(
        room: Int = 100, _ body: (inout FrameWriter) -> Bool
    ) -> (fits: Bool, bytes: [UInt8]) {
        var bytes = [UInt8](repeating: 0xee, count: room)
        let (fits, count) = bytes.withUnsafeMutableBytes { buffer in
            var writer = FrameWriter(buffer)
            let fits = body(&writer)
            return (fits, writer.count)
        }
        #expect(bytes[count...].allSatisfy { $0 == 0xee }, "nothing behind the frames is touched")
        return (fits, Array(bytes[..<count]))
    }

    private func ranges(_ list: [Range<UInt64>]) -> OffsetRanges {
        var result = OffsetRanges()
        for range in list { result.insert(range) }
        return result
    }

    /// The frame is written when it fits exactly, and not at all with one byte less.
    private func expect(_ golden: [UInt8], _ body: (inout FrameWriter) -> Bool) {
        #expect(write(room: golden.count, body) == (true, golden))
        #expect(write(room: 200, body) == (true, golden))
        for room in 0..<golden.count { #expect(write(room: room, body) == (false, [])) }
    }

    @Test func fixedFrames() {
        expect([0x01]) { $0.writePing() }
        expect([0x04, 0x40, 0x80]) { $0.writeReset(code: 128) }
        expect([0x05, 1, 2, 3, 4, 5, 6, 7, 8]) { $0.writePathChallenge(0x0102_0304_0506_0708) }
        expect([0x06, 8, 7, 6, 5, 4, 3, 2, 1]) { $0.writePathResponse(0x0807_0605_0403_0201) }
        expect([0x07, 0x80, 0x01, 0, 0]) { $0.writeWindow(maximum: 65536) }
    }

    @Test func acknowledgementOfOneRange() {
        let one = ranges([90..<101])
        expect([0x02, 0x40, 100, 0x44, 0x00, 0, 10]) {
            $0.writeAcknowledgement(one, delay: .microseconds(1024), ecn: nil)
        }
        expect([0x03, 0x40, 100, 0, 0, 10, 1, 2, 0x40, 0x40]) {
            $0.writeAcknowledgement(
                one, delay: .zero, ecn: ECNCounts(ect0: 1, ect1: 2, ce: 64))
        }
        let none = write { $0.writeAcknowledgement(OffsetRanges(), delay: .zero, ecn: nil) }
        #expect(none == (false, []))
        let late = write { $0.writeAcknowledgement(one, delay: .milliseconds(-1), ecn: nil) }
        #expect(late == (true, [0x02, 0x40, 100, 0, 0, 10]))
    }

    @Test func asManyRangesAsFit() {
        let three = ranges([74..<75, 85..<89, 90..<101])
        let whole: [UInt8] = [0x02, 0x40, 100, 0, 2, 10, 0, 3, 9, 0]
        for room in 0...12 {
            let result = write(room: room) {
                $0.writeAcknowledgement(three, delay: .zero, ecn: nil)
            }
            switch room {
            case 0..<6: #expect(result == (false, []))
            case 6..<8: #expect(result == (true, [0x02, 0x40, 100, 0, 0, 10]))
            case 8..<10: #expect(result == (true, [0x02, 0x40, 100, 0, 1, 10, 0, 3]))
            default: #expect(result == (true, whole))
            }
        }
        let marked = write(room: 12) {
            $0.writeAcknowledgement(three, delay: .zero, ecn: ECNCounts(ect0: 7))
        }
        #expect(marked == (true, [0x03, 0x40, 100, 0, 1, 10, 0, 3, 7, 0, 0]))
    }

    @Test func atMost64Ranges() {
        let many = ranges((0..<100).map { $0 * 3..<$0 * 3 + 1 })
        let result = write(room: 1000) {
            $0.writeAcknowledgement(many, delay: .zero, ecn: nil)
        }
        #expect(result.bytes.count == 1 + 2 + 1 + 1 + 1 + 63 * 2)
        let expected = (36..<100).reversed().map { "\($0 * 3)-\($0 * 3)" }.joined(separator: " ")
        #expect(describeFrames(result.bytes) == ["ack \(expected) after 0"])
    }

    @Test func streams() {
        for (isFinal, kind) in [(false, 0x10), (true, 0x11)] as [(Bool, UInt8)] {
            let result = write(room: 10) { writer in
                guard let room = writer.beginStream(offset: 70, isFinal: isFinal),
                    room.count == 7
                else { return false }
                room.copyBytes(from: [1, 2, 3])
                writer.endStream(length: 3)
                return writer.remaining == 0
            }
            #expect(result == (true, [kind, 0x40, 70, 1, 2, 3]))
        }
        #expect(write(room: 2) { $0.beginStream(offset: 70, isFinal: false) != nil } == (false, []))
        #expect(FrameWriter.streamHeaderLength(offset: 63) == 2)
        #expect(FrameWriter.streamHeaderLength(offset: 64) == 3)
        let empty = write(room: 2) { writer in
            let room = writer.beginStream(offset: 5, isFinal: true)
            writer.endStream(length: 0)
            return room?.count == 0
        }
        #expect(empty == (true, [0x11, 5]))
    }

    @Test func datagrams() {
        ([7, 8] as [UInt8]).withUnsafeBytes { payload in
            expect([0x08, 7, 8]) { $0.writeDatagram(payload) }
            expect([0x09, 2, 7, 8]) { $0.writeDatagram(payload, isLast: false) }
        }
    }

    @Test func nothingFollowsAFrameWithoutLength() {
        ([7, 8] as [UInt8]).withUnsafeBytes { payload in
            let datagrams = write { writer in
                writer.writeDatagram(payload, isLast: false) && writer.writeDatagram(payload)
            }
            #expect(datagrams == (true, [0x09, 2, 7, 8, 0x08, 7, 8]))
            let more = write { writer in
                _ = writer.writeDatagram(payload)
                return writer.writePing() || writer.padding(to: 100)
                    || writer.writeDatagram(payload)
                    || writer.beginStream(offset: 0, isFinal: false) != nil
            }
            #expect(more == (false, [0x08, 7, 8]))
        }
    }

    @Test func padding() {
        let result = write { $0.writePing() && $0.padding(to: 1) && $0.padding(to: 5) }
        #expect(result == (true, [1, 0, 0, 0, 0]))
        #expect(write(room: 5) { $0.writePing() && $0.padding(to: 6) } == (false, [1]))
        #expect(write { $0.writePing() && $0.padding(to: 0) } == (false, [1]))
    }

    @Test func controlFramesGoBeforeTheStream() {
        let result = write { writer in
            guard writer.writePing(), writer.writeWindow(maximum: 9),
                let room = writer.beginStream(offset: 0, isFinal: false)
            else { return false }
            room[0] = 42
            writer.endStream(length: 1)
            return true
        }
        #expect(describeFrames(result.bytes) == ["ping", "window 9", "stream 0 [42]"])
    }

    /// What is written is read again, over numbers of all sizes.
    @Test(arguments: 0..<50)
    func acknowledgementsSurviveTheWire(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var list: [Range<UInt64>] = []
        var number = random.next() >> (3 + UInt64(random.below(60)))
        for _ in 0...random.below(FrameWriter.maximumRanges) {
            let end = number + 1 + (random.next() >> (9 + UInt64(random.below(54))))
            list.append(number..<end)
            number = end + 1 + (random.next() >> (9 + UInt64(random.below(54))))
        }
        let delay = Int64(random.below(1 << 30))
        let result = write(room: 2000) {
            $0.writeAcknowledgement(
                ranges(list), delay: Interval(nanoseconds: delay), ecn: nil)
        }
        let text = list.reversed().map { "\($0.lowerBound)-\($0.upperBound - 1)" }
        #expect(
            describeFrames(result.bytes)
                == ["ack \(text.joined(separator: " ")) after \(delay / 1000 * 1000)"])
    }
}
