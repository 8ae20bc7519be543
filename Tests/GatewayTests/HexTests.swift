import Testing

@testable import Gateway

@Suite struct HexTests {
    @Test func readsBackWhatItWrites() {
        let bytes = [UInt8](0...255)
        #expect(Hex.encode([0, 0x0f, 0xa0, 0xff]) == "000fa0ff")
        #expect(Hex.decode(Hex.encode(bytes).utf8) == bytes)
        #expect(Hex.decode("0aFf".utf8) == [0x0a, 0xff])
    }

    @Test(arguments: ["0", "0g", "+1", "0x", "00 "])
    func refuses(text: String) {
        #expect(Hex.decode(text.utf8) == nil)
    }
}
