import HTTPTypes
import Testing

@testable import Gateway

@Suite struct ContentNegotiationTests {
    private static let bytes = "application/octet-stream", events = "text/event-stream"

    private func choose(_ accept: String...) throws -> String {
        var headers = HTTPFields()
        for value in accept { headers.append(HTTPField(name: .accept, value: value)) }
        return try ContentNegotiation.choose([Self.bytes, Self.events], for: headers)
    }

    @Test func theFirstIsTheUsualOne() throws {
        #expect(try choose() == Self.bytes)
        #expect(try choose("*/*") == Self.bytes)
        #expect(try choose("application/*, text/*") == Self.bytes)
    }

    @Test(arguments: [
        "text/event-stream", "TEXT/Event-Stream", "text/*", " text/event-stream ; q=0.1",
        "text/event-stream;charset=utf-8", "text/html, text/event-stream",
        // Named more exactly, or liked more.
        "*/*, text/event-stream", "*/*;q=0.5, text/*;q=0.501",
        "application/octet-stream;q=0.999, text/event-stream;Q=1.000",
        "application/octet-stream;q=0, */*;q=0.1", "application/*;q=0,*/*",
    ])
    func eventsWhereTheyAreLikedBetter(accept: String) throws {
        #expect(try choose(accept) == Self.events)
    }

    @Test(arguments: [
        "text/event-stream;q=0.9, */*", "text/event-stream;q=0, */*",
        "application/octet-stream, text/event-stream", "text/event-stream;q=0.5,application/*",
    ])
    func bytesWhereTheyAre(accept: String) throws {
        #expect(try choose(accept) == Self.bytes)
    }

    private static let old = "text/plain; version=0.0.4; charset=utf-8"
    private static let new = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    @Test(arguments: [
        ("*/*", old), ("text/*", old), ("text/plain", old), ("text/plain;version=0.0.4", old),
        ("text/plain; VERSION=\"0.0.4\" ; charset=UTF-8", old),
        ("application/openmetrics-text", new), ("application/openmetrics-text;version=1.0.0", new),
        // Of a parameter that an offer has not, it says nothing.
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", new),
        // A version that there is not falls through to what comes after.
        ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", old),
        ("text/plain;version=1.0.0,*/*;q=0.1", old),
        ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", new),
        // The more exact range decides, though it likes the type less.
        ("text/plain;q=0.9,text/plain;version=0.0.4;q=0.1,application/*;q=0.5", new),
        ("text/plain, application/openmetrics-text;version=1.0.0", new),
        (MetricsFormatTests.prometheus242, new), (MetricsFormatTests.prometheus3, new),
    ])
    func parametersThatBothHaveMustAgree(accept: String, offer: String) throws {
        let headers: HTTPFields = [.accept: accept]
        #expect(try ContentNegotiation.choose([Self.old, Self.new], for: headers) == offer)
    }

    @Test(arguments: [
        "application/openmetrics-text;version=0.0.1", "text/plain;version=",
        "text/plain;charset=iso-8859-1", "application/json",
    ])
    func aParameterThatDisagreesIsAnotherType(accept: String) {
        let headers: HTTPFields = [.accept: accept]
        #expect(throws: GatewayError.self) {
            try ContentNegotiation.choose([Self.old, Self.new], for: headers)
        }
    }

    @Test func severalFieldsAreOneList() throws {
        #expect(try choose("text/html", "text/event-stream") == Self.events)
    }

    @Test(arguments: [
        "text/html", "text/event-stream;q=0", "*/*;q=0", "", "text", "*", "*/event-stream",
        "text/event-stream;q=2", "text/event-stream;q=", "text/event-stream;q=0.1234",
        "text/event-stream;q=1.001", "text/event-stream;q=-0", "/", "text/",
    ])
    func noneIsAcceptable(accept: String) throws {
        let problem = try problem { _ = try choose(accept) }
        #expect(problem.status == 406 && problem.code == "not_acceptable")
        #expect(problem.field == "Accept")
        #expect(problem.detail.contains(Self.bytes) && problem.detail.contains(Self.events))
    }
}
