import HTTPTypes
import Testing

@testable import Gateway

@Suite struct AccessPolicyTests {
    private func check(
        _ host: String?, origin: String? = nil, site: String? = nil, isOpen: Bool = false,
        bound: String = "127.0.0.1",
        allowed: [String] = []
    ) throws {
        var headers = HTTPFields()
        headers[.host] = host
        headers[.origin] = origin
        headers[.secFetchSite] = site
        try AccessPolicy(host: bound, allowedHosts: allowed).check(headers, isOpen: isOpen)
    }

    /// As a browser asks for an image, without `Origin`.
    @Test func refusesWhatOtherSitesHaveABrowserAskFor() throws {
        for site in ["cross-site", "same-site", "Cross-Site", "new-word"] {
            #expect(try problem { try check("localhost", site: site) }.code == "cross_origin")
            // A link may lead to what is open to all.
            try check("localhost", site: site, isOpen: true)
        }
        for site in ["same-origin", "none", nil] { try check("localhost", site: site) }
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
        ("127.0.0.1", "Gateway.Example.org:443", true), ("127.0.0.1", "localhost:1", true),
        ("127.0.0.1", "other.example.org", false), ("127.0.0.1", "10.0.0.1", false),
        ("10.0.0.1", "gateway.example.ORG", true), ("10.0.0.1", "10.0.0.1:8080", true),
        ("10.0.0.1", "10.0.0.2", false), ("10.0.0.1", "localhost", false),
        ("10.0.0.1", "other.example.org", false), ("2001:db8::1", "[2001:DB8:0::1]:8080", true),
        ("2001:db8::1", "[2001:db8::2]", false), ("0.0.0.0", "10.0.0.2:8080", true),
        ("::", "[2001:db8::2]", true), ("::", "10.0.0.2", true), ("0.0.0.0", "localhost", true),
        ("0.0.0.0", "other.example.org", false),
    ])
    func aListOfNamesIsAll(bound: String, host: String, isServed: Bool) throws {
        let allowed = ["GATEWAY.example.org"]
        if isServed {
            try check(host, bound: bound, allowed: allowed)
        } else {
            let problem = try problem { try check(host, bound: bound, allowed: allowed) }
            #expect(problem.code == "host_not_allowed")
        }
    }

    @Test func namesThatCanBeListed() {
        for host in ["example.org", "gateway", "10.0.0.1", "2001:db8::1", "a_b-c"] {
            #expect(AccessPolicy.isHost(host), "\(host)")
        }
        for host in ["", "example.org:80", "[::1]", "http://example.org", "*.example.org", "a b"] {
            #expect(!AccessPolicy.isHost(host), "\(host)")
        }
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
