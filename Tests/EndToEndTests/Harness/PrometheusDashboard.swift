import Foundation
import Testing

/// `docker/grafana/dashboard.json`, as far as tests look at it.
struct PrometheusDashboard: Decodable {
    struct Source: Decodable {
        let type: String
        let uid: String
    }

    struct Target: Decodable {
        let refId: String
        let datasource: Source
        let expr: String
        let legendFormat: String
    }

    struct Place: Decodable {
        let x: Int
        let y: Int
        let w: Int
        let h: Int

        func overlaps(_ other: Place) -> Bool {
            x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h
        }
    }

    struct Panel: Decodable {
        struct Fields: Decodable {
            struct Defaults: Decodable { let unit: String }
            let defaults: Defaults
        }

        let id: Int
        let type: String
        let title: String
        let description: String?
        let datasource: Source?
        let gridPos: Place
        let fieldConfig: Fields?
        let targets: [Target]?
    }

    struct Variable: Decodable {
        let name: String
        let type: String
        /// `label_values(SERIES, LABEL)`, of a variable that is asked for.
        let definition: String?
    }

    struct Templating: Decodable { let list: [Variable] }

    let schemaVersion: Int
    let templating: Templating
    let panels: [Panel]

    static func load() throws -> PrometheusDashboard {
        let file = Products.repository.appending(path: "docker/grafana/dashboard.json")
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }

    var graphs: [Panel] { panels.filter { $0.type != "row" } }
    var targets: [Target] { graphs.flatMap { $0.targets ?? [] } }

    /// A query as Grafana sends it, with everything chosen.
    static func filled(_ query: String, instances: [String]) throws -> String {
        let filled = query
            .replacing("$instance", with: instances.joined(separator: "|"))
            .replacing("$peer", with: ".*")
            .replacing("$__rate_interval", with: "5m")
            .replacing("$__range", with: "5m")
        // "$1" is of `label_replace`.
        try #require(!filled.replacing("\"$1\"", with: "").contains("$"), "\(filled)")
        return filled
    }
}
