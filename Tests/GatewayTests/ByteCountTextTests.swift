import Testing

@testable import Gateway

@Suite struct ByteCountTextTests {
    @Test(arguments: [
        ("0", 0), ("65536", 65536), ("64KiB", 65536), ("2MiB", 2 << 20), ("1GiB", 1 << 30),
    ])
    func parses(text: String, bytes: Int) {
        #expect(ByteCountText.parse(text) == bytes)
    }

    @Test(arguments: [
        "", "KiB", "-1", "+1", "1.5MiB", "1 MiB", "1kb", "1MB", "1mib", "9223372036854775807KiB",
        "9223372036854775808",
    ])
    func refuses(text: String) {
        #expect(ByteCountText.parse(text) == nil)
    }

    @Test(arguments: ["0", "1000", "64KiB", "2MiB", "1GiB", "1025KiB"])
    func formatsWhatItParses(text: String) throws {
        #expect(ByteCountText.format(try #require(ByteCountText.parse(text))) == text)
    }
}
