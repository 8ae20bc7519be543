import HTTPTypes
import Testing

@testable import Gateway

@Suite struct AccessPolicyTests {
    private func check(
        _ host: String?, origin: String? = nil, bound: String = "127.0.0.1"
    ) throws {
        var headers = HTTPFields()
        headers[.host] = host
        headers[.origin] = origin
        try AccessPolicy(host: bound).check(headers)
    }

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:8080", "[::1]",
        "127.1.2.3:9",
    ])
    func servesThisMachine(host: String) throws {
        try check(host)
    }

    @Test(arguments: [
        "example.org", "example.org:8080", "localhost.example.org", "127.0.0.1.example.org",
        "10.0.0.1", "[2001:db8::1]:80", "0.0.0.0",
    ])
    func refusesOtherNames(host: String) throws {
        let problem = try problem { try check(host) }
        #expect(problem.status == 403)
        #expect(problem.code == "host_not_allowed")
    }

    @Test(arguments: [nil, "", ":80", "[::1", "a:b:c"])
    func refusesNoHost(host: String?) throws {
        let problem = try problem { try check(host) }
        #expect(problem.status == 400)
        #expect(problem.field == "Host")
    }

    @Test func refusesTwoHosts() throws {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .host, value: "localhost"))
        headers.append(HTTPField(name: .host, value: "localhost"))
        let problem = try problem { try AccessPolicy(host: "::1").check(headers) }
        #expect(problem.status == 400)
    }

    @Test func anOpenAddressServesEveryName() throws {
        try check("gateway.example.org:8080", bound: "0.0.0.0")
    }

    @Test(arguments: [
        ("http://localhost:8080", "localhost:8080"), ("http://LocalHost", "localhost:80"),
        ("http://127.0.0.1:80", "127.0.0.1"), ("https://[::1]:8443", "[::1]:8443"),
    ])
    func servesItsOwnPages(origin: String, host: String) throws {
        try check(host, origin: origin)
    }

    @Test(arguments: [
        "null", "http://example.org", "http://localhost", "http://localhost:80801",
        "http://localhost:8081", "http://127.0.0.1:8080", "localhost:8080", "",
        "ftp://localhost:8080", "http://example.org/localhost:8080",
    ])
    func refusesOtherPages(origin: String) throws {
        for bound in ["127.0.0.1", "0.0.0.0"] {
            let problem = try problem { try check("localhost:8080", origin: origin, bound: bound) }
            #expect(problem.status == 403)
            #expect(problem.code == "cross_origin")
        }
    }
}
