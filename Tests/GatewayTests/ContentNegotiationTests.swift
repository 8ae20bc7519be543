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
