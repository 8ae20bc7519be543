import Foundation
import LRP2P
import Testing

@testable import lrp2p_gateway

/// The articles for whoever runs a gateway speak of what there is.
@Suite struct OperationsArticleTests {
    private static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let articles = "Sources/lrp2p-gateway/lrp2p-gateway.docc"

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: repository.appending(path: path), encoding: .utf8)
    }

    @Test("Every alert has a section, and every such section an alert")
    func alerts() throws {
        let rules = try Self.text("docker/prometheus/alerts.yaml")
            .matches(of: /(?m)^ *- alert: *(\w+) *$/).map { String($0.1) }
        let sections = try Self.text("\(Self.articles)/Operations.md")
            .matches(of: /(?m)^### (LRP2P\w+)$/).map { String($0.1) }
        try #require(!rules.isEmpty)
        #expect(sections == rules)
    }

    @Test("What can limit a transfer is told of, each in its row")
    func limits() throws {
        let rows = try Self.text("\(Self.articles)/Operations.md").split(separator: "\n")
            .compactMap { $0.firstMatch(of: /^\| `(\w+)` \|/).map { String($0.1) } }
        #expect(Set(SendLimit.allCases.map(\.rawValue)).isSubset(of: rows))
    }

    /// Options of other programs that the articles speak of, and those that are no settings.
    private static let others: Set = [
        "print-config", "version", "network", "stop-timeout", "system", "user-group", "home-dir",
        "no-create-home",
    ]

    @Test("Every option that is named exists", arguments: ["Operations", "Security"])
    func options(article: String) throws {
        let text = try Self.text("\(Self.articles)/\(article).md")
        // None is part of a longer word, as in a rule of hyphens.
        let flags = Set(text.matches(of: /(?:^|[^-\w])--([a-z][-a-z]*)/).map { String($0.1) })
        let variables = Set(
            text.matches(of: /(?m)^(LRP2P_[A-Z_]+)=/).map { String($0.1) })
        try #require(!flags.isEmpty)
        #expect(flags.subtracting(SettingTable.all.map(\.name)).subtracting(Self.others) == [])
        #expect(variables.subtracting(SettingTable.all.map(\.variable)) == [])
    }
}
