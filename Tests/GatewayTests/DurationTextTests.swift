import Testing

@testable import Gateway

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("0", Duration.zero), ("0s", .zero), ("500ms", .milliseconds(500)), ("30s", .seconds(30)),
        ("2m", .seconds(120)), ("1h", .seconds(3600)), ("007s", .seconds(7)),
    ])
    func parses(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1S", "1d", "1s1", "ms", "never", "١s",
        "9223372036854775807h", "99999999999999999999s", "876001h",
    ])
    func refuses(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["0", "500ms", "1500ms", "30s", "90s", "2m", "1h", "36h"])
    func formatsWhatItParses(text: String) throws {
        #expect(DurationText.format(try #require(DurationText.parse(text))) == text)
    }
}
