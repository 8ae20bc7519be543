import Testing

@testable import LRP2PCore

/// Bytes written out by hand from the layout in ExtendedWireFormat.md.
struct HandshakePayloadTests {
    private let magic: [UInt8] = [0x4c, 0x52, 0x58, 0x01]
    private let token = (0..<16).map { UInt8($0) }

    private func parse(_ entries: [UInt8]...) -> TransportParameters? {
        TransportParameters.parse(magic + entries.flatMap(\.self))
    }

    private var everything: TransportParameters {
        TransportParameters(
            features: [.extendedTransport, .pathValidation], maximumDatagram: 9000,
            receiveLimit: 2 << 20, acknowledgementThreshold: 10,
            maximumAcknowledgementDelay: .milliseconds(20), idleTimeout: .seconds(30),
            statelessResetToken: token, applicationProtocols: ["ab", "é"], reportsDelivery: true,
            addressCookie: [1, 2])
    }

    private let everythingEncoded: [UInt8] = [
        0x4c, 0x52, 0x58, 0x01,
        1, 1, 0b0101,
        2, 2, 0x23, 0x28,
        3, 8, 0, 0, 0, 0, 0, 0x20, 0, 0,
        4, 5, 10, 0, 0, 0x4e, 0x20,
        5, 4, 0, 0, 0x75, 0x30,
        6, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        7, 2, 0x61, 0x62,
        7, 2, 0xc3, 0xa9,
        8, 2, 1, 2,
        9, 0,
    ]

    @Test func everyEntry() {
        #expect(everything.encode() == everythingEncoded)
        #expect(TransportParameters.parse(everythingEncoded) == everything)
    }

    @Test func defaultsOfWhatIsNotSaid() {
        #expect(parse() == TransportParameters())
        let plain = TransportParameters()
        #expect(plain.maximumDatagram == 1400 && plain.receiveLimit == 0)
        #expect(plain.acknowledgementThreshold == 2)
        #expect(plain.maximumAcknowledgementDelay == .milliseconds(25))
        #expect(plain.idleTimeout == nil && plain.statelessResetToken == nil)
        #expect(TransportParameters.parse(plain.encode()) == plain)
    }

    @Test func whatIsNotOursIsABasePeer() {
        for payload in [
            [], [0x4c], [0x4c, 0x52, 0x58], [0x4c, 0x52, 0x58, 0x02], [0, 0x4c, 0x52, 0x58, 1],
        ] as [[UInt8]] { #expect(TransportParameters.parse(payload) == nil) }
    }

    @Test func anEntryThatIsCutOffMakesItMalformed() {
        // A payload may end after any entry, and nowhere else.
        var ends: Set<Int> = [4]
        var position = 4
        while position < everythingEncoded.count {
            position += 2 + Int(everythingEncoded[position + 1])
            ends.insert(position)
        }
        for end in 0..<everythingEncoded.count {
            let parsed = TransportParameters.parse(Array(everythingEncoded[..<end]))
            #expect((parsed != nil) == ends.contains(end), "\(end)")
        }
        #expect(parse([1, 1, 1], [0]) == nil, "trailing byte")
    }

    @Test func anEntryOfTheWrongLengthMakesItMalformed() {
        let lengths: [UInt8: Set<Int>] = [
            1: Set(1...8), 2: [2], 3: [8], 4: [5], 5: [4], 6: [16], 7: Set(1...40),
            8: Set(1...40), 9: [0],
        ]
        for (type, allowed) in lengths {
            for length in 0...40 {
                let value = [UInt8](repeating: 0x41, count: length)
                let parsed = parse([type, UInt8(length)] + value)
                #expect((parsed != nil) == allowed.contains(length), "\(type) \(length)")
            }
        }
        #expect(parse([8, 64] + [UInt8](repeating: 1, count: 64)) != nil)
        #expect(parse([8, 65] + [UInt8](repeating: 1, count: 65)) == nil)
        #expect(parse([7, 255] + [UInt8](repeating: 0x41, count: 255)) != nil)
    }

    @Test func unknownEntriesAreSkipped() {
        #expect(parse([99, 0], [255, 3, 1, 2, 3], [2, 2, 0x05, 0xdc])?.maximumDatagram == 1500)
        #expect(parse([0, 3, 7, 8, 9], [64, 1, 0], [128, 0]) == TransportParameters())
    }

    @Test func theFirstOfARepeatedEntryCounts() {
        #expect(parse([2, 2, 0x05, 0xdc], [2, 2, 0x06, 0])?.maximumDatagram == 1500)
        #expect(parse([1, 1, 1], [1, 1, 3])?.features == .extendedTransport)
        #expect(parse([2, 2, 0x05, 0xdc], [2, 0])?.maximumDatagram == 1500, "not looked at")
    }

    @Test func valuesComeIntoTheirRanges() {
        #expect(parse([2, 2, 0x04, 0xaf])?.maximumDatagram == 1400, "1199 is not believed")
        #expect(parse([2, 2, 0x04, 0xb0])?.maximumDatagram == 1200)
        #expect(parse([2, 2, 0xff, 0xff])?.maximumDatagram == 65_507)
        #expect(
            parse([3, 8] + [UInt8](repeating: 0xff, count: 8))?.receiveLimit
                == VariableLengthInteger.maximum)
        #expect(parse([4, 5, 0, 0, 0, 0, 0])?.acknowledgementThreshold == 1)
        #expect(parse([4, 5, 0, 0, 0, 0, 0])?.maximumAcknowledgementDelay == .zero)
        #expect(
            parse([4, 5, 1, 0xff, 0xff, 0xff, 0xff])?.maximumAcknowledgementDelay == .seconds(1))
        #expect(parse([5, 4, 0, 0, 0, 0])?.idleTimeout == nil)
        #expect(parse([5, 4, 0, 0, 0, 1])?.idleTimeout == .seconds(1))
        #expect(
            parse([5, 4, 0xff, 0xff, 0xff, 0xff])?.idleTimeout == .milliseconds(0xffff_ffff))
    }

    @Test func whatWeSayIsInItsRangeToo() throws {
        let wild = TransportParameters(
            features: .extendedTransport, maximumDatagram: 1 << 20, receiveLimit: .max,
            acknowledgementThreshold: 1000, maximumAcknowledgementDelay: .seconds(5),
            idleTimeout: Interval(nanoseconds: .max))
        let parsed = try #require(TransportParameters.parse(wild.encode()))
        #expect(parsed.maximumDatagram == 65_507)
        #expect(parsed.receiveLimit == VariableLengthInteger.maximum)
        #expect(parsed.acknowledgementThreshold == 255)
        #expect(parsed.maximumAcknowledgementDelay == .seconds(1))
        #expect(parsed.idleTimeout == .milliseconds(0xffff_ffff))
        let low = TransportParameters(
            acknowledgementThreshold: -1, maximumAcknowledgementDelay: .seconds(-1),
            idleTimeout: .zero)
        let again = try #require(TransportParameters.parse(low.encode()))
        #expect(again.acknowledgementThreshold == 1)
        #expect(again.maximumAcknowledgementDelay == .zero)
        #expect(again.idleTimeout == .seconds(1))
    }

    @Test func featuresHaveAsManyBytesAsTheyNeed() {
        #expect(parse([1, 2, 0x80, 0x01])?.features.rawValue == 0x8001)
        #expect(
            parse([1, 8, 0x80, 0, 0, 0, 0, 0, 0, 0x0f])?.features.rawValue
                == 0x8000_0000_0000_000f)
        let high = TransportParameters(features: .init(rawValue: 0x8001))
        #expect(high.encode().starts(with: magic + [1, 2, 0x80, 0x01]))
        #expect(TransportParameters().encode().starts(with: magic + [1, 1, 0]))
        #expect(parse([1, 1, 0b1110])?.features == [], "all others need the extended transport")
    }

    @Test func namesAreText() {
        #expect(parse([7, 2, 0xff, 0xfe]) == nil)
        #expect(parse([7, 1, 0xc3]) == nil)
        let many = (0..<20).map { [7, 1, 0x41 + UInt8($0)] }
        let parsed = TransportParameters.parse(magic + many.flatMap(\.self))
        #expect(parsed?.applicationProtocols == (0..<16).map { String(UnicodeScalar(0x41 + $0)) })
    }

    @Test func paddingFillsUpExactly() {
        let bare = everything.encode().count
        for length in 0...bare + 800 {
            let payload = everything.encode(minimumLength: length)
            let expected = length == bare + 1 ? bare + 2 : max(bare, length)
            #expect(payload.count == expected)
            #expect(TransportParameters.parse(payload) == everything)
        }
    }

    @Test func theAnswerIsWhatBothCanDo() {
        var offer = everything
        offer.applicationProtocols = ["c", "b", "a"]
        var own = TransportParameters(
            features: [.extendedTransport, .datagrams], maximumDatagram: 1500, receiveLimit: 77,
            applicationProtocols: ["x", "a", "b"], addressCookie: [9])
        var answer = TransportParameters.answer(to: offer, with: own)
        #expect(answer.features == .extendedTransport)
        #expect(answer.applicationProtocols == ["a"], "the first of the responder's preference")
        #expect(answer.addressCookie == nil)
        #expect(answer.maximumDatagram == 1500 && answer.receiveLimit == 77)

        own.applicationProtocols = ["x"]
        #expect(TransportParameters.answer(to: offer, with: own).applicationProtocols == [])
        own.applicationProtocols = ["e\u{301}"]
        offer.applicationProtocols = ["\u{e9}"]
        answer = TransportParameters.answer(to: offer, with: own)
        #expect(answer.applicationProtocols == [], "names are bytes")
        offer.features = .datagrams
        answer = TransportParameters.answer(to: offer, with: own)
        #expect(answer.features == [], "nothing goes without the extended transport")
    }
}
