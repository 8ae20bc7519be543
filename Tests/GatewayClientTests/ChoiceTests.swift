import Testing

@testable import GatewayClient

@Suite struct ChoiceTests {
    @Test func openOnesComeBeforeClosedOnes() throws {
        let open = try document("c1", state: "open")
        let closed = try document("c2", state: "closed")
        #expect(found(NameResolution.choose(among: [closed, open, closed])) == ["c1"])
        #expect(found(NameResolution.choose(among: [])) == [])
    }

    @Test func severalOpenOnesAreAmbiguous() throws {
        let documents = try [document("c1", state: "open"), document("c2", state: "open")]
        #expect(found(NameResolution.choose(among: documents)) == ["c1", "c2"])
    }

    @Test func ofClosedOnesTheOneWithSomethingLeft() throws {
        let read = try document("c1", state: "closed", read: 9)
        let unread = try document("c2", state: "closed", read: 3)
        #expect(found(NameResolution.choose(among: [read, unread, read])) == ["c2"])
        #expect(found(NameResolution.choose(among: [unread, read])) == ["c2"])
        let last = try document("c3", state: "closed", read: 9)
        #expect(found(NameResolution.choose(among: [read, last])) == ["c3"])
        let other = try document("c4", state: "closed", read: 3)
        #expect(found(NameResolution.choose(among: [unread, other])) == ["c2", "c4"])
    }

    @Test func closedOnesOfTwoPeersAreAmbiguous() throws {
        let documents = try [
            document("c1", state: "closed"), document("c2", state: "closed", peer: "LM"),
        ]
        #expect(found(NameResolution.choose(among: documents)) == ["c1", "c2"])
    }

    @Test(arguments: [
        ("chucpymq6ug2d", true), ("backup", false), ("chucpymq6ug2D", false), ("", false),
        ("LT3aLCJ14tRCnnGoGWPxkxu1diRzDjcYmP", false),
    ])
    func ids(word: String, isOne: Bool) {
        #expect(NameResolution.looksLikeID(word) == isOne)
    }

    /// One with a reader of its own goes on there, not where the slowest is.
    @Test func theReaderWithoutANameCounts() throws {
        let readers = """
            {"acknowledged":"e-5","acknowledged_offset":5},\
            {"name":"x","acknowledged":"e-2","acknowledged_offset":2}
            """
        let receive = try document("c1", state: "open", read: 2, readers: readers).receive
        #expect(receive.next.cursor == "e-5" && receive.next.offset == 5)
    }

    @Test func delaysDoubleAndEnd() {
        var backoff = Backoff(patience: .seconds(10))
        let start = ContinuousClock.now
        #expect(backoff.delay(now: start, random: 1) == .milliseconds(100))
        #expect(backoff.delay(now: start, random: 0) == .milliseconds(100))
        #expect(backoff.delay(now: start, random: 1) == .milliseconds(400))
        for _ in 0..<100 { #expect(backoff.delay(now: start)! <= Backoff.longest) }
        // The last try comes at the end of the patience.
        #expect(backoff.delay(now: start + .milliseconds(9999), random: 1) == .milliseconds(1))
        #expect(backoff.delay(now: start + .seconds(10)) == nil)
        backoff.succeed()
        #expect(backoff.delay(now: start + .seconds(99), random: 1) == .milliseconds(100))
    }

    private func found(_ result: NameResolution.Result) -> [String] {
        switch result {
        case .found(let document): [document.id]
        case .none: []
        case .ambiguous(let documents): documents.map(\.id)
        }
    }

    private func document(
        _ id: String, state: String, peer: String = "LT", read: Int = 0, readers: String = ""
    ) throws -> ConnectionDocument {
        let text = """
            {"id":"\(id)","state":"\(state)","direction":"inbound","peer":"\(peer)",\
            "remote_address":"127.0.0.1:1","protocol":"extended","receive":{"acknowledged":\
            "e-\(read)","acknowledged_offset":\(read),"received_offset":9,"finished":false,\
            "readers":[\(readers)]}}
            """
        return try #require(JSON.decode(from: Array(text.utf8)))
    }
}
