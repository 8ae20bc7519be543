import Testing

@testable import LRP2P

/// Expected values computed with an independent implementation.
@Suite struct Base58Tests {
    static let vectors: [(bytes: [UInt8], text: String)] = [
        ([], ""),
        ([0], "1"),
        ([0, 0], "11"),
        ([0x61], "2g"),
        ([0x62, 0x62, 0x62], "a3gV"),
        ([0x10, 0xc8, 0x51, 0x1e], "Rt5zm"),
        ([UInt8](repeating: 0xff, count: 10), "FPBt6CHo3fovdL"),
        (
            [
                0x00, 0xeb, 0x15, 0x23, 0x1d, 0xfc, 0xeb, 0x60, 0x92, 0x58, 0x86, 0xb6, 0x7d,
                0x06, 0x52, 0x99, 0x92, 0x59, 0x15, 0xae, 0xb1, 0x72, 0xc0, 0x66, 0x47,
            ], "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"
        ),
    ]

    @Test(arguments: vectors)
    func vector(bytes: [UInt8], text: String) {
        #expect(Base58.encode(bytes) == text)
        #expect(Base58.decode(text) == bytes)
    }

    @Test(arguments: ["0", "O", "I", "l", "a b", "ä", "-"])
    func refusesForeignCharacters(text: String) {
        #expect(Base58.decode(text) == nil)
    }

    @Test func roundTripsEveryLength() {
        var random = SplitMix64(seed: 58)
        for length in 0..<64 {
            let bytes = random.bytes(length)
            #expect(Base58.decode(Base58.encode(bytes)) == bytes)
        }
    }
}
