import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct OpenAPIResourceTests {
    @Test func servesTheFileThatItWasBuiltFrom() async throws {
        let response = await (try TestNode()).get("/openapi.yaml")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/yaml")
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../openapi/openapi.yaml")
        #expect(response.body == [UInt8](try Data(contentsOf: file)))
    }

    @Test(arguments: [#"%"#, #"W/%"#, #""other", %"#, #""other" ,W/% "#, "*"])
    func isNotSentAgain(condition: String) async throws {
        let node = try TestNode()
        let tag = try #require(await node.get("/openapi.yaml").headers[.eTag])
        #expect(tag.wholeMatch(of: /"[0-9a-f]+"/) != nil)
        let response = await node.request(
            .get, "/openapi.yaml",
            headers: [.ifNoneMatch: condition.replacingOccurrences(of: "%", with: tag)])
        #expect(response.status == .notModified)
        #expect(response.headers[.eTag] == tag)
    }

    @Test func isSentAgainToOthers() async throws {
        let node = try TestNode()
        let tag = try #require(await node.get("/openapi.yaml").headers[.eTag])
        for condition in [#""other""#, tag.uppercased() + "x", String(tag.dropFirst()), ""] {
            let response = await node.request(
                .get, "/openapi.yaml", headers: [.ifNoneMatch: condition])
            #expect(response.status == .ok, "\(condition)")
        }
        #expect(await node.get("/openapi.yaml?version=1").code == "invalid_parameter")
    }

    @Test func headIsAnsweredToo() async throws {
        let node = try TestNode()
        let head = await node.request(.head, "/openapi.yaml")
        #expect(head.status == .ok)
        #expect(head.headers[.eTag] == (await node.get("/openapi.yaml")).headers[.eTag])
    }
}
