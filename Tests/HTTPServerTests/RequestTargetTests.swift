import Testing

@testable import HTTPServer

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", [""]), ("/a/b", ["a", "b"]), ("/a//b/", ["a", "", "b", ""]),
        ("/a%2Fb/%C3%A9", ["a/b", "é"]), ("/a?b/c", ["a"]), ("*", ["*"]),
        ("http://host:1/a/b?c", ["a", "b"]), ("HTTP://host", [""]), ("http://host?c", [""]),
        ("/a+b", ["a+b"]), ("/a#b?c", ["a"]),
    ])
    func path(raw: String, segments: [String]) {
        #expect(RequestTarget(raw)?.segments == segments)
    }

    @Test(arguments: [
        ("/", []), ("/?", []), ("/?a", ["a", ""]), ("/?a=", ["a", ""]), ("/?=b", ["", "b"]),
        ("/?a=1&b=2&a=3", ["a", "1", "b", "2", "a", "3"]), ("/?a=b=c", ["a", "b=c"]),
        ("/?a%26b=%3D+&&c", ["a&b", "=+", "c", ""]), ("/?a=?#b", ["a", "?"]),
        ("http://host?c=d", ["c", "d"]),
    ] as [(String, [String])])
    func query(raw: String, expected: [String]) {
        #expect(RequestTarget(raw)?.query.flatMap { [$0.name, $0.value] } == expected)
    }

    @Test(arguments: ["", "a", "/%", "/%4", "/%4g", "/%ff", "/%00", "/?%", "/?a=%c3", "ftp://h/"])
    func malformed(raw: String) {
        #expect(RequestTarget(raw) == nil)
    }
}
