import Foundation
import Testing

@testable import lrp2p_gateway

@Suite struct ConfigurationFileTests {
    private func lines(_ text: String) throws -> [ConfigurationFile.Line] {
        try ConfigurationFile.parse(text, path: "f")
    }

    @Test func readsLines() throws {
        let text = "# a comment\r\n\n  LRP2P_UDP = 127.0.0.1:1 # no comment \r\n"
            + "\t#LRP2P_HTTP=x\nLRP2P_KEY_FILE=/a=b\nLRP2P_TOKEN_FILE="
        #expect(
            try lines(text) == [
                .init(number: 3, name: "LRP2P_UDP", value: "127.0.0.1:1 # no comment"),
                .init(number: 5, name: "LRP2P_KEY_FILE", value: "/a=b"),
                .init(number: 6, name: "LRP2P_TOKEN_FILE", value: ""),
            ])
        #expect(try lines("").isEmpty)
    }

    @Test(arguments: [
        ("LRP2P_UDP", 1, "has to be NAME=value"), ("\n\nLRP2P_UDP: x", 3, "has to be NAME=value"),
        ("export LRP2P_UDP=x", 1, "has to be NAME=value"), ("=x", 1, "has to be NAME=value"),
        ("# \nLRP2P_UPD=x", 2, "there is no setting LRP2P_UPD; is it LRP2P_UDP?"),
        ("PATH=/bin", 1, "there is no setting PATH"),
        ("LRP2P_UDP=\nLRP2P_UDP=x", 2, "LRP2P_UDP was set in line 1 before"),
        ("LRP2P_CONFIG=x", 1, "LRP2P_CONFIG cannot be set in the file"),
    ])
    func errorsNameTheLine(text: String, line: Int, problem: String) throws {
        let error = #expect(throws: ConfigurationFileError.self) { try lines(text) }
        let description = try #require(error).description
        #expect(description.hasPrefix("f line \(line): \(problem)"), "\(description)")
    }

    @Test func filesThatCannotBe() throws {
        func error(_ path: String) throws -> ConfigurationFileError {
            let error = #expect(throws: ConfigurationFileError.self) {
                try ConfigurationFile(reading: path)
            }
            return try #require(error)
        }
        #expect(try error("/no/such") == .cannotRead(path: "/no/such", errno: ENOENT))
        #expect(try error("/dev/null") == .notAFile(path: "/dev/null"))
        #expect(try error("/tmp") == .notAFile(path: "/tmp"))
        let open = try TestFile("LRP2P_SOCKETS=2", permissions: 0o646)
        #expect(try error(open.path) == .writableByOthers(path: open.path, mode: 0o646))
        try open.write("LRP2P_SOCKETS=2", permissions: 0o664)
        #expect(try ConfigurationFile(reading: open.path).lines.count == 1)
        try open.write(Data([0x23, 0xff]))
        #expect(try error(open.path) == .notUTF8(path: open.path))
        try open.write(String(repeating: "#", count: ConfigurationFile.maximumBytes + 1))
        #expect(try error(open.path) == .tooLong(path: open.path))
        try open.write(String(repeating: "#", count: ConfigurationFile.maximumBytes))
        #expect(try ConfigurationFile(reading: open.path).lines.isEmpty)
    }
}
