import Foundation
import HTTPServer
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct JSONBodyTests {
    private func body(_ text: String) throws -> JSONBody {
        try JSONBody([UInt8](text.utf8), allowed: ["address", "name"])
    }

    @Test func readsStrings() throws {
        let body = try body(#"{"address":"a:1"}"#)
        #expect(try body.requiredString("address") == "a:1")
        #expect(body.string("name") == nil)
        #expect(try problem { _ = try body.requiredString("name") }.field == "name")
    }

    @Test(arguments: [
        (#"{"adress":"a:1"}"#, "adress", "address, name"), (#"{"name":1}"#, "name", "a string"),
        (#"{"name":null}"#, "name", "a string"), (#"{"name":["a"]}"#, "name", "a string"),
    ])
    func namesTheMember(text: String, field: String, detail: String) throws {
        let problem = try problem { _ = try body(text) }
        #expect(problem.status == 400)
        #expect(problem.code == "invalid_member")
        #expect(problem.field == field)
        #expect(problem.detail.contains(detail))
    }

    @Test(arguments: ["", "[]", "\"a\"", "{", "{\"name\":}", "{} x", "5"])
    func saysWhatIsNotAnObject(text: String) throws {
        let problem = try problem { _ = try body(text) }
        #expect(problem.status == 400)
        #expect(problem.code == "malformed_json")
        #expect(problem.detail == "The body is not a JSON object.")
    }

    /// Which of them counts would depend on who reads (RFC 8259 §4).
    @Test(arguments: [
        #"{"name":"a","name":"b"}"#, #"{"name":"a","name":"a"}"#,
        #"{"name":"a","address":"b:1","na\u006de":"c"}"#, #"{"name":{"name":1},"name":"b"}"#,
        #"{"name":"}\\","name":"b"}"#,
    ])
    func refusesMembersThatAreThereTwice(text: String) throws {
        let problem = try problem { _ = try body(text) }
        #expect(problem.code == "invalid_member")
        #expect(problem.field == "name")
    }

    @Test func namesInsideOfValuesAreNoMembers() throws {
        let body = try body(#"{"name":"{\"name\":1}","address":"\"name\":\\"}"#)
        #expect(body.string("name") == #"{"name":1}"#)
        #expect(body.string("address") == #""name":\"#)
    }

    /// RFC 8259 §8.1: JSON between programs is UTF-8.
    @Test(arguments: [String.Encoding.utf16, .utf16BigEndian, .utf16LittleEndian, .utf32])
    func refusesOtherEncodings(encoding: String.Encoding) throws {
        let bytes = [UInt8](try #require(#"{"name":"a"}"#.data(using: encoding)))
        let problem = try problem { _ = try JSONBody(bytes, allowed: ["name"]) }
        #expect(problem.code == "malformed_json")
    }

    private func read(_ bytes: [UInt8], type: String?) async throws {
        var headers = HTTPFields()
        headers[.contentType] = type
        let request = ServerRequest(
            method: .post, path: "/", query: [], headers: headers, remoteAddress: "",
            body: RequestBody(bytes))
        var limits = GatewayLimits()
        limits.maximumJSONBodyBytes = 64
        _ = try await JSONBody.read(request, allowed: ["name"], limits: limits)
    }

    @Test(arguments: [
        nil, "application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json",
        "application/x-www-form-urlencoded",
    ])
    func takesTheseMediaTypes(type: String?) async throws {
        try await read([UInt8]("{}".utf8), type: type)
    }

    @Test func refusesOtherMediaTypes() async throws {
        let error = await #expect(throws: GatewayError.self) {
            try await read([UInt8]("{}".utf8), type: "text/plain")
        }
        #expect(ProblemDetails(try #require(error)).status == 415)
    }

    @Test func refusesALongBody() async throws {
        let error = await #expect(throws: GatewayError.self) {
            try await read([UInt8](repeating: 0x20, count: 65), type: nil)
        }
        #expect(ProblemDetails(try #require(error)).status == 413)
    }
}
