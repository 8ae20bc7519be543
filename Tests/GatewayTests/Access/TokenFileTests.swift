import Foundation
import ProcessSupport
import Testing

@testable import Gateway

@Suite struct TokenFileTests {
    private let file = AccessFile(kind: .tokens, path: "/etc/tokens")

    private func parse(_ text: String) throws -> TokenTable {
        try TokenFile.parse(Array(text.utf8), of: file)
    }

    private func entry(_ table: TokenTable, _ token: String) -> TokenTable.Entry? {
        table.entry(for: Array(token.utf8))
    }

    @Test func readsNamesScopesAndTokens() throws {
        let table = try parse(
            """
            # who may

            admin   read,write,metrics \t abcdefghijklmnop
              ci.build_1 write 0123456789-._~+/ABC==   # comment
            scrape metrics ~~~~~~~~~~~~~~~~\r
            """)
        #expect(table.count == 3)
        let admin = try #require(entry(table, "abcdefghijklmnop"))
        #expect(admin.name == "admin" && admin.scopes == [.read, .write, .metrics])
        let build = try #require(entry(table, "0123456789-._~+/ABC=="))
        #expect(build.name == "ci.build_1" && build.scopes == [.write])
        #expect(entry(table, "~~~~~~~~~~~~~~~~")?.scopes == [.metrics])
        for other in [
            "", "abcdefghijklmno", "abcdefghijklmnopq", "abcdefghijklmnoP", "admin",
            "0123456789-._~+/ABC=", "0123456789-._~+/ABC",
        ] {
            #expect(entry(table, other) == nil, "\(other)")
        }
    }

    @Test func takesHashes() async throws {
        let digits = try await b2sum("correct-horse-battery")
        for text in [digits, digits.uppercased()] {
            let table = try parse("admin read blake2b:\(text)")
            #expect(entry(table, "correct-horse-battery")?.name == "admin")
            // The hash is no token.
            #expect(entry(table, text) == nil)
            #expect(entry(table, "blake2b:\(text)") == nil)
        }
    }

    /// As the documentation says it is done.
    private func b2sum(_ text: String) async throws -> String {
        let process = try ChildProcess("sh", ["-c", "printf %s \"$0\" | b2sum -l 256", text])
        #expect(try await process.wait() == .status(0))
        return String(try #require(process.outputText.split(separator: " ").first))
    }

    @Test(arguments: [
        ("admin read", 1, "2 fields"),
        ("\n\nadmin", 3, "1 fields"),
        ("admin read,write abcdefghijklmnop extra", 1, "4 fields"),
        ("admin read, write abcdefghijklmnop", 1, "4 fields"),
        ("ad/min read abcdefghijklmnop", 1, "name"),
        ("\(String(repeating: "n", count: 65)) read abcdefghijklmnop", 1, "1 to 64"),
        ("admin root abcdefghijklmnop", 1, "read, write, metrics"),
        ("admin READ abcdefghijklmnop", 1, "scope 1 is unknown"),
        ("admin read,,write abcdefghijklmnop", 1, "scope 2 is unknown"),
        ("admin read,read abcdefghijklmnop", 1, "twice"),
        ("admin read abcdefghijklmno", 1, "15 characters"),
        ("admin read \(String(repeating: "t", count: 513))", 1, "513 characters"),
        ("admin read abcdefghijklmno!", 1, "RFC 6750"),
        ("admin read abcd=fghijklmnop", 1, "RFC 6750"),
        ("admin read ================", 1, "RFC 6750"),
        ("admin read abcdefghijklmnöp", 1, "RFC 6750"),
        ("admin read blake2b:00", 1, "64 hexadecimal"),
        ("admin read blake2b:\(String(repeating: "g", count: 64))", 1, "64 hexadecimal"),
        ("a read abcdefghijklmnop\na read abcdefghijklmnoq", 2, "name a"),
        ("a read abcdefghijklmnop\n#\nb read abcdefghijklmnop", 3, "same token as a"),
    ])
    func saysWhatIsWrongAndWhere(text: String, line: Int, reason: String) throws {
        let error = #expect(throws: AccessFileError.self) { try parse(text) }
        let found = try #require(error)
        #expect(found.line == line)
        #expect(found.description.contains("the token file /etc/tokens, line \(line): "))
        #expect(found.description.contains(reason), "\(found)")
        // Nothing of a token gets into a log.
        #expect(!found.description.contains("abcdefg"))
    }

    @Test(arguments: ["", "\n\n", "# nobody\n"]) func refusesNobody(text: String) throws {
        let error = #expect(throws: AccessFileError.self) { try parse(text) }
        #expect(try #require(error).line == nil)
        #expect(try #require(error).description.contains("holds no token"))
    }

    @Test func hasALimit() throws {
        let line = { (number: Int) in "n\(number) read abcdefghijklmnop\(number)\n" }
        let most = (0..<1024).map(line).joined()
        #expect(try parse(most).count == 1024)
        let error = #expect(throws: AccessFileError.self) { try parse(most + line(1024)) }
        #expect(try #require(error).line == 1025)
        #expect(try #require(error).description.contains("1024"))
    }

    @Test(arguments: [0o600, 0o640, 0o400, 0o440]) func readsAFileOfItsOwn(mode: Int) throws {
        let file = try TemporaryFile("admin read abcdefghijklmnop\n", mode: mode)
        #expect(try TokenFile.load(file.path).count == 1)
    }

    @Test(arguments: [0o644, 0o660, 0o604, 0o602, 0o601, 0o666])
    func refusesAFileOfOthers(mode: Int) throws {
        let file = try TemporaryFile("admin read abcdefghijklmnop\n", mode: mode)
        let error = #expect(throws: AccessFileError.self) { try TokenFile.load(file.path) }
        let message = try #require(error).description
        #expect(message.contains("0" + String(mode, radix: 8)))
        #expect(message.contains("chmod 600 \(file.path)"))
    }

    @Test func refusesWhatIsNoSuchFile() throws {
        let missing = #expect(throws: AccessFileError.self) { try TokenFile.load("/no/such/file") }
        #expect(try #require(missing).description.contains("No such file"))
        let directory = #expect(throws: AccessFileError.self) {
            try TokenFile.load(NSTemporaryDirectory())
        }
        #expect(try #require(directory).description.contains("not a regular file"))
        let long = try TemporaryFile(String(repeating: "#", count: TokenFile.maximumBytes + 1))
        let error = #expect(throws: AccessFileError.self) { try TokenFile.load(long.path) }
        #expect(try #require(error).description.contains("longer than"))
    }
}
