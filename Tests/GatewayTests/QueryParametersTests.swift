import Testing

@testable import Gateway

@Suite struct QueryParametersTests {
    private let allowed = ["wait", "limit", "flag", "at", "state"]

    private func query(_ pairs: (String, String)...) throws -> QueryParameters {
        try QueryParameters(pairs.map { (name: $0.0, value: $0.1) }, allowed: allowed)
    }

    @Test func unknownIsNamed() throws {
        let problem = try problem { _ = try query(("wiat", "1s")) }
        #expect(problem.status == 400)
        #expect(problem.code == "invalid_parameter")
        #expect(problem.field == "wiat")
        #expect(problem.detail.contains("wait, limit, flag, at, state"))
    }

    @Test func repeatedIsNamed() throws {
        let problem = try problem { _ = try query(("wait", "1s"), ("wait", "1s")) }
        #expect(problem.status == 400)
        #expect(problem.field == "wait")
    }

    @Test func integers() throws {
        #expect(try query().integer("limit", in: 1...9, default: 5) == 5)
        #expect(try query(("limit", "9")).integer("limit", in: 1...9, default: 5) == 9)
        for text in ["", "0", "10", "-1", "+1", "1.0", " 1", "a", "99999999999999999999"] {
            let problem = try problem {
                _ = try query(("limit", text)).integer("limit", in: 1...9, default: 5)
            }
            #expect(problem.field == "limit")
            #expect(problem.detail.contains("1 to 9"))
        }
    }

    @Test func booleans() throws {
        #expect(try query().bool("flag") == false)
        #expect(try query(("flag", "false")).bool("flag") == false)
        #expect(try query(("flag", "true")).bool("flag"))
        for text in ["", "1", "True", "yes"] {
            #expect(try problem { _ = try query(("flag", text)).bool("flag") }.field == "flag")
        }
    }

    @Test func durationsAreCapped() throws {
        let limit = Duration.seconds(60)
        #expect(try query().duration("wait", limit: limit) == .zero)
        #expect(try query(("wait", "59s")).duration("wait", limit: limit) == .seconds(59))
        #expect(try query(("wait", "1h")).duration("wait", limit: limit) == limit)
        let problem = try problem { _ = try query(("wait", "30")).duration("wait", limit: limit) }
        #expect(problem.detail.contains("30s"))
    }

    @Test func cursors() throws {
        #expect(try query().cursor("at") == nil)
        #expect(try query(("at", "000000ff-3")).cursor("at")?.position == 3)
        #expect(try problem { _ = try query(("at", "3")).cursor("at") }.field == "at")
    }

    @Test func choices() throws {
        #expect(try query().choice("state", of: ConnectionState.self) == nil)
        #expect(try query(("state", "open")).choice("state", of: ConnectionState.self) == .open)
        let problem = try problem {
            _ = try query(("state", "ajar")).choice("state", of: ConnectionState.self)
        }
        #expect(problem.detail.contains("open or closed"))
    }
}
