import LRP2P
import Testing

@testable import lrp2p_bench

@Suite struct HTTPTests {
    private let answer = "HTTP/1.1 200 OK\r\nDate: x\r\ncontent-LENGTH: 5\r\nA:  b\r\n\r\n"

    @Test func aHeadIsRead() throws {
        let bytes = Array((answer + "hello").utf8)
        let end = try #require(bytes.withUnsafeBytes { HTTPHead.end(of: $0) })
        #expect(end == answer.utf8.count)
        let head = try #require(bytes[..<end].withUnsafeBytes { HTTPHead($0) })
        #expect(head.status == 200)
        #expect(head.contentLength == 5)
        #expect(head["a"] == "b")
        #expect(head["B"] == nil)
        let summary = try #require(bytes[..<end].withUnsafeBytes { HTTPHead.summary($0) })
        #expect(summary.status == 200 && summary.length == 5)
    }

    @Test func aPartOfAHeadHasNoEnd() {
        for count in 0..<answer.utf8.count {
            let part = Array(answer.utf8.prefix(count))
            #expect(part.withUnsafeBytes { HTTPHead.end(of: $0) } == nil)
        }
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "", "\r\n\r\n",
    ])
    func whatHasNoLengthIsNotUnderstood(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { HTTPHead.summary($0)?.length } == nil)
    }

    @Test func noContentNeedsNoLength() {
        let head = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
        #expect(head.withUnsafeBytes { HTTPHead.summary($0)?.length } == 0)
        #expect(head.withUnsafeBytes { HTTPHead($0)?.contentLength } == 0)
    }

    @Test func aPatternFindsWhatIsWrong() throws {
        let pattern = Pattern(seed: 1), start = 1_048_573 - 100
        var bytes: [UInt8] = []
        pattern.withRun(at: start, count: 300) { bytes += $0 }
        #expect(bytes.count == 300)
        try bytes.withUnsafeBytes { try pattern.check($0, at: start) }
        // After its period it begins again, and nowhere else.
        try bytes.withUnsafeBytes { try pattern.check($0, at: start + 1_048_573) }
        #expect(throws: BenchError.self) {
            try bytes.withUnsafeBytes { try pattern.check($0, at: start + 1) }
        }
        bytes[299] ^= 1
        #expect(throws: BenchError.self) {
            try bytes.withUnsafeBytes { try pattern.check($0, at: start) }
        }
    }

    @Test func membersAreFoundAtAnyDepth() {
        let text = #"{"connections":[{"id":"a","x":1},{"id":"b"}],"id":3}"#
        #expect(JSONText.strings("id", in: text) == ["a", "b"])
        #expect(JSONText.string("nothing", in: text) == nil)
    }

    @Test func theBareServerAnswersTheLoad() async throws {
        let server = try HelloServer()
        let port = server.address.port
        let rate = try await onThread {
            let request = HTTPClient.request("POST", "/", host: "localhost", body: [1, 2, 3])
            return try HTTPLoad.answersPerSecond(
                port: port, for: .milliseconds(50), requests: [request, request])
        }
        #expect(rate > 0)
        let answer = try await onThread {
            try HTTPClient(port: port).request("GET", "/").text
        }
        #expect(answer == "hello")
        await server.end()
    }
}
