import LRP2P
import Testing

@testable import lrp2p_gateway

@Suite struct SettingSourcesTests {
    private let udp = SettingTable.udp.info
    private let protocols = SettingTable.applicationProtocol.info

    @Test func flagsOverEnvironmentOverFileOverDefaults() throws {
        let file = try TestFile("# mine\n\nLRP2P_UDP=127.0.0.1:3\n")
        let environment = ["LRP2P_UDP": "127.0.0.1:2"]
        let flag = try SettingSources.test(
            ["--udp", "127.0.0.1:1"], environment: environment, file: file)
        #expect(flag[udp] == .init(texts: ["127.0.0.1:1"], origin: .flag("--udp")))
        let variable = try SettingSources.test([], environment: environment, file: file)
        #expect(variable[udp] == .init(texts: ["127.0.0.1:2"], origin: .environment("LRP2P_UDP")))
        let line = try SettingSources.test([], file: file)
        #expect(line[udp] == .init(texts: ["127.0.0.1:3"], origin: .file(file.path, line: 3)))
        let preset = try SettingSources.test([])
        #expect(preset[udp] == .init(texts: ["0.0.0.0:3030"], origin: .preset))
    }

    @Test func theFileIsNamedByFlagOrEnvironment() throws {
        let one = try TestFile("LRP2P_UDP=127.0.0.1:1"), two = try TestFile("LRP2P_UDP=127.0.0.1:2")
        let environment = ["LRP2P_CONFIG": two.path]
        let both = try SettingSources.test([], environment: environment, file: one)
        #expect(both.filePath == one.path && both[udp]?.texts == ["127.0.0.1:1"])
        let variable = try SettingSources.test([], environment: environment)
        #expect(variable.filePath == two.path && variable[udp]?.texts == ["127.0.0.1:2"])
        #expect(try SettingSources.test([], environment: ["LRP2P_CONFIG": ""]).filePath == nil)
    }

    @Test func listsAreRepeatedOrSeparatedByCommas() throws {
        let file = try TestFile("LRP2P_APPLICATION_PROTOCOL = e , f")
        let line = try SettingSources.test([], file: file)
        #expect(line[protocols]?.texts == ["e", "f"])
        let environment = ["LRP2P_APPLICATION_PROTOCOL": "c,d"]
        let variable = try SettingSources.test([], environment: environment, file: file)
        #expect(variable[protocols]?.texts == ["c", "d"])
        // A list is set as a whole.
        let flags = try SettingSources.test(
            ["--application-protocol", "a", "--application-protocol", "b"],
            environment: environment)
        #expect(flags[protocols]?.texts == ["a", "b"])
        let gap = try SettingSources.test(
            [], environment: ["HOME": "/", "LRP2P_APPLICATION_PROTOCOL": "c,,d"])
        #expect(throws: StartFailure.self) { try Settings(gap) }
    }

    @Test func booleansAreTrueOrFalse() throws {
        func isBase(_ arguments: [String], _ variable: String) throws -> Bool {
            try !Settings(.test(
                arguments, environment: ["HOME": "/", "LRP2P_BASE_PROTOCOL": variable]))
                .endpoint.isExtended
        }
        #expect(try isBase([], "true"))
        #expect(try !isBase([], "false"))
        #expect(try !isBase(["--no-base-protocol"], "true"))
        #expect(try isBase(["--base-protocol"], "false"))
        let error = #expect(throws: StartFailure.self) { try isBase([], "1") }
        let expected =
            #"--base-protocol (from environment LRP2P_BASE_PROTOCOL): "1" has to be true or false"#
        #expect(error?.description == expected)
    }

    @Test func emptyIsNotSet() throws {
        let file = try TestFile("LRP2P_UDP=127.0.0.1:3\nLRP2P_SOCKETS=\n")
        let sources = try SettingSources.test([], environment: ["LRP2P_UDP": ""], file: file)
        #expect(sources[udp]?.texts == ["127.0.0.1:3"])
        #expect(sources[SettingTable.sockets.info]?.origin == .preset)
    }

    @Test func errorsSayWhereAValueComesFrom() throws {
        let file = try TestFile("LRP2P_HTTP=127.0.0.1:0\nLRP2P_SOCKETS=all")
        let line = try SettingSources.test([], file: file)
        let error = #expect(throws: StartFailure.self) { try Settings(line) }
        #expect(
            error?.description == "--sockets (from file \(file.path) line 2): \"all\" has to be a "
                + "number from 1 to 64")
        let variable = try SettingSources.test(
            [], environment: ["HOME": "/", "LRP2P_HTTP": "x"])
        let other = #expect(throws: StartFailure.self) { try Settings(variable) }
        #expect(
            other?.description == "--http (from environment LRP2P_HTTP): \"x\" has to be "
                + "HOST:PORT, such as 127.0.0.1:8080")
    }

    @Test func unknownVariablesAreFound() throws {
        let names = ["LRP2P_HTPP", "LRP2P_HTTP", "LRP2P_TOKEN", "PATH", "XLRP2P_"]
        let environment = Dictionary(uniqueKeysWithValues: names.map { ($0, "") })
        let sources = try SettingSources.test([], environment: environment)
        #expect(sources.unknownVariables == ["LRP2P_HTPP"])
        #expect(Nearest.setting(to: "LRP2P_HTPP") == "LRP2P_HTTP")
        #expect(Nearest.setting(to: "lrp2p_loglevel") == "LRP2P_LOG_LEVEL")
    }

    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3),
        ("ab", "ba", 2),
    ])
    func distances(first: String, second: String, distance: Int) {
        #expect(Nearest.distance(first, second) == distance)
    }
}
