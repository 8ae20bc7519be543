import Foundation
import GatewayClient
import Testing

@testable import lrp2p

@Suite struct FailureTests {
    private static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Rows of the gateway's table: code, status.
    private static let codes: [(code: String, status: Int)] = {
        let path = repository.appending(path: "Sources/Gateway/Gateway.docc/Gateway.md")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: /\| `([a-z_]+)` \| (\d{3}) \| .*/),
                let status = Int(match.2)
            else { return nil }
            return (String(match.1), status)
        }
    }()

    @Test func everyErrorOfTheGatewayHasAStatus() throws {
        try #require(Self.codes.count > 40)
        let known = Set(Self.codes.map(\.code))
        for code in Failure.statuses.keys { #expect(known.contains(code), "\(code)") }
        let statuses = Dictionary(Self.codes) { one, _ in one }.mapValues { _ in true }
        #expect(statuses.count == Self.codes.count)
        for (code, status) in Self.codes {
            let exit = Failure.status(of: Problem(status: status, detail: "", code: code))
            #expect(exit != .ok)
            // Only the gateway's own fault is one.
            #expect((exit == .software) == (code == "internal_error"), "\(code) is \(exit)")
        }
    }

    @Test(arguments: [
        ("token_required", 401, lrp2p.ExitStatus.notAllowed, "--token-file"),
        ("invalid_token", 401, .notAllowed, "does not know this token"),
        ("insufficient_scope", 403, .notAllowed, "detail"),
        ("handshake_timeout", 504, .peer, "detail"),
        ("name_not_resolved", 502, .unknownHost, "detail"),
        ("rate_limited", 429, .tryLater, "detail"), ("shutting_down", 503, .tryLater, "detail"),
        ("new_one", 418, .usage, "detail"), ("new_one", 507, .software, "detail"),
    ])
    func problems(code: String, status: Int, exit: lrp2p.ExitStatus, words: String) {
        let problem = Problem(status: status, detail: "detail", code: code)
        let failure = Failure(.problem(problem), gateway: "http://g")
        #expect(failure.status == exit)
        #expect(failure.message.contains(words))
    }

    @Test func aGatewayThatIsDownIsNamed() {
        let failure = Failure(.unreachable("Connection refused"), gateway: "http://g:1")
        #expect(failure.status == .noGateway)
        #expect(failure.message.contains("http://g:1") && failure.message.contains("--gateway"))
    }

    // MARK: The manual

    private struct Help: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let kind: String
                let name: String
            }
            let names: [Name]?
        }
        struct Command: Decodable {
            let commandName: String
            let arguments: [Argument]?
            let subcommands: [Command]?
        }
        let command: Command
    }

    @Test func theManualHasAllAndNothingElse() throws {
        let help = try JSONDecoder().decode(Help.self, from: Data(Tool._dumpHelp().utf8))
        // The parser adds one to help, which has no options.
        let commands = (help.command.subcommands ?? []).filter { $0.commandName != "help" }
        try #require(commands.count > 6)
        let options = ([help.command] + commands).flatMap { $0.arguments ?? [] }
            .flatMap { $0.names ?? [] }.map { $0.kind == "long" ? "-\($0.name)" : $0.name }
        let path = Self.repository.appending(path: "Sources/lrp2p/lrp2p.1")
        let manual = try String(contentsOf: path, encoding: .utf8)
        let items = manual.split(separator: "\n").filter { $0.hasPrefix(".It ") }
        func words(_ macro: String) -> Set<String> {
            Set(items.flatMap { item in
                var words = item.split(whereSeparator: { $0 == " " || $0 == "," })[...]
                var found: [String] = []
                while let word = words.popFirst() {
                    guard word == macro else { continue }
                    while let next = words.first, !["Ar", "Fl", "Cm"].contains(next) {
                        found.append(String(next))
                        words.removeFirst()
                    }
                }
                return found
            })
        }
        #expect(words("Fl") == Set(options))
        #expect(words("Cm") == Set(commands.map(\.commandName) + ["help"]))
        let statuses = items.compactMap { Int32($0.dropFirst(4)) }
        #expect(statuses == lrp2p.ExitStatus.allCases.map(\.rawValue))
    }
}
