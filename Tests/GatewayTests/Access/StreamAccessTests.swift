import HTTPServer
import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

/// Bodies that are still under way when access changes.
@Suite struct StreamAccessTests {
    private func stream(
        _ control: AccessControl, token: String,
        seen: @escaping @Sendable (String?) -> Void = { _ in }
    ) throws -> ServerResponse.BodyStream {
        var headers = HTTPFields.bearer(token)
        headers[.host] = "localhost"
        let request = ServerRequest(
            method: .get, path: "/v1/node", headers: headers, remoteAddress: "127.0.0.1:1")
        let context = RequestContext(id: "mine", address: ClientAddress("127.0.0.1:1"))
        try control.admit(request, to: .scope(.read), context)
        let body: ServerResponse.BodyStream = {
            seen(RequestContext.current?.id)
            return [1]
        }
        return control.guarding(body, of: request, to: .scope(.read), context)
    }

    private func table(_ lines: String) throws -> AccessConfiguration {
        var access = AccessConfiguration()
        access.tokens = try TokenFile.parse(
            Array(lines.utf8), of: AccessFile(kind: .tokens, path: "t"))
        return access
    }

    private func control() throws -> AccessControl {
        AccessControl(
            try TestTokens.configuration(), httpHost: "127.0.0.1", maximumWaiters: 80)
    }

    @Test func aTokenThatIsTakenBackGetsNoMore() async throws {
        let control = try control()
        let next = try stream(control, token: TestTokens.read)
        #expect(try await next() == [1])
        control.replace(try table("reader read another-token-0123"))
        await #expect(throws: GatewayError.self) { try await next() }
    }

    @Test func aScopeThatIsTakenBackGetsNoMore() async throws {
        let control = try control()
        let next = try stream(control, token: TestTokens.read)
        control.replace(try table("reader write \(TestTokens.read)"))
        await #expect(throws: GatewayError.self) { try await next() }
    }

    @Test func aTokenThatStaysGoesOn() async throws {
        let control = try control()
        let next = try stream(control, token: TestTokens.read)
        control.replace(try table("renamed read,metrics \(TestTokens.read)"))
        for _ in 0..<3 { #expect(try await next() == [1]) }
        control.replace(AccessConfiguration())
        #expect(try await next() == [1])
    }

    @Test func eachPieceIsPartOfTheRequest() async throws {
        let next = try stream(control(), token: TestTokens.read) { #expect($0 == "mine") }
        #expect(try await next() == [1])
        #expect(RequestContext.current == nil)
    }
}
