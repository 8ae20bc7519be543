import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Who gets past the handshake where clients need a certificate.
@Suite(.serialized) struct MutualTLSTests {
    @Sendable private static func describing(_ request: ServerRequest) async -> ServerResponse {
        guard let client = request.clientCertificate else { return .text("a stranger") }
        return .text("\(client.subject)|\(client.commonName ?? "-")|\(client.sha256)")
    }

    @Test(arguments: ["1.2", "1.3"]) func knownClientIsNamed(version: String) async throws {
        try await withTLSServer(isMutual: true, handler: Self.describing) { server, certificates in
            try certificates.issue(
                "client", by: "authority", subject: "/O=Example/CN=backup",
                extensions: ["extendedKeyUsage=clientAuth"])
            let answer = try await Curl.run(
                certificates.trusting + certificates.presenting("client") + [
                    "--tls-max", version, server.secureURL(),
                ])
            let text = try certificates.openssl([
                "x509", "-in", certificates.path("client.pem"), "-noout", "-fingerprint",
                "-sha256",
            ])
            let fingerprint = try #require(text.split(separator: "=").last)
                .filter(\.isHexDigit).lowercased()
            #expect(answer == "CN=backup,O=Example|backup|\(fingerprint)")
        }
    }

    @Test(arguments: [
        // RFC 4514 §2.4: what has a meaning there is escaped, in the subject alone.
        (#"/CN=Doe, Jane/O=A\+B"#, #"O=A\+B,CN=Doe\, Jane|Doe, Jane|"#),
        ("/CN=Müller", "CN=Müller|Müller|"),
        // Which of two is meant nobody can tell.
        ("/CN=one/CN=two", "CN=two,CN=one|-|"),
        ("/O=nameless", "O=nameless|-|"),
    ])
    func namesAreUnambiguous(subject: String, expected: String) async throws {
        try await withTLSServer(isMutual: true, handler: Self.describing) { server, certificates in
            try certificates.issue("client", by: "authority", subject: subject)
            let answer = try await Curl.run(
                certificates.trusting + certificates.presenting("client") + [server.secureURL()])
            #expect(answer.hasPrefix(expected), Comment(rawValue: answer))
        }
    }

    @Test(arguments: [
        ("plain", "plain"), (##"a\, b\\c\#"##, ##"a, b\c#"##), (##"\C3\BCber"##, "über"),
        (##"\"##, ""), ("#0403", nil), (##"\FF"##, nil), (##"\#1"##, "#1"), ("", ""),
    ] as [(String, String?)])
    func escapesAreUndone(text: String, expected: String?) {
        #expect(ClientCertificate.unescaped(Array(text.utf8)) == expected)
    }

    @Test func intermediateAuthorityIsFollowed() async throws {
        try await withTLSServer(isMutual: true, handler: Self.describing) { server, certificates in
            try certificates.issue(
                "between", by: "authority", subject: "/CN=between",
                extensions: ["basicConstraints=critical,CA:TRUE"])
            try certificates.issueClient("client", by: "between")
            let chain = try certificates.read("client.pem") + certificates.read("between.pem")
            try certificates.write(chain, to: "client.pem")
            let answer = try await Curl.run(
                certificates.trusting + certificates.presenting("client") + [server.secureURL()])
            #expect(answer.hasPrefix("CN=client|client|"))
        }
    }

    enum Stranger: String, CaseIterable, CustomTestStringConvertible {
        case none, otherAuthority, selfSigned, expired, serversOnly

        var testDescription: String { rawValue }

        /// What the client is told, in curl's words.
        func message(isTLS13: Bool) -> String {
            switch self {
            case .none: isTLS13 ? "alert certificate required" : "alert handshake failure"
            case .otherAuthority, .selfSigned: "alert unknown ca"
            case .expired: isTLS13 ? "alert certificate expired" : "verification failed"
            case .serversOnly: "alert bad certificate"
            }
        }

        /// Makes the certificate. Returns curl's options.
        func prepare(_ certificates: TestCertificates) throws -> [String] {
            switch self {
            case .none:
                return []
            case .otherAuthority:
                try certificates.makeAuthority("other")
                try certificates.issueClient("client", by: "other")
            case .selfSigned:
                try certificates.makeAuthority("client")
            case .expired:
                try certificates.issueClient("client", by: "authority", days: -1)
            case .serversOnly:
                try certificates.issueServer("client", by: "authority")
            }
            return certificates.presenting("client")
        }
    }

    @Test(arguments: Stranger.allCases, ["1.2", "1.3"])
    func strangerIsRefused(_ stranger: Stranger, version: String) async throws {
        let calls = Mutex(0)
        let log = Mutex<[String]>([])
        try await withTLSServer(
            isMutual: true, { $0.log = { line in log.withLock { $0.append(line) } } },
            handler: { _ in
                calls.withLock { $0 += 1 }
                return .text("")
            }
        ) { server, certificates in
            let options = try stranger.prepare(certificates)
            let result = await (try Curl(
                certificates.trusting + options + ["--tls-max", version, server.secureURL()])
            ).result
            #expect(result.exitStatus != 0)
            let message = stranger.message(isTLS13: version == "1.3")
            #expect(result.errors.contains(message), Comment(rawValue: result.errors))
            #expect(calls.withLock { $0 } == 0)
            #expect(
                log.withLock { $0.contains { $0.contains("client certificate refused: ") } })
            // The next one is none the worse for it.
            try certificates.issueClient("friend", by: "authority")
            _ = try await Curl.run(
                certificates.trusting + certificates.presenting("friend") + [server.secureURL()])
            #expect(calls.withLock { $0 } == 1)
        }
    }
}
