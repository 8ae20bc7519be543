import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// New certificates for a server that runs, and files that are none.
@Suite(.serialized) struct TLSReloadTests {
    @Test func newConnectionsGetTheNewCertificate() async throws {
        let gate = Gate()
        try await withTLSServer(handler: { request in
            if request.path == "/wait" { await gate.wait() }
            return .text("answer")
        }) { server, certificates in
            let oldExpiry = try #require(server.certificateExpiry)
            let old = try Curl(certificates.trusting + [server.secureURL("/wait")])
            try await eventually("it waits") { gate.waiting == 1 }

            try certificates.makeAuthority("second")
            try certificates.issueServer("renewed", by: "second", days: 90)
            try certificates.replace("server", with: "renewed")
            try server.reloadTLS()

            let trustingNew = ["--cacert", certificates.path("second.pem")]
            let answer = try await Curl.run(trustingNew + [server.secureURL()])
            #expect(answer == "answer")
            let refusing = try Curl(certificates.trusting + [server.secureURL()])
            #expect(await refusing.result.exitStatus == 60)
            let newExpiry = try #require(server.certificateExpiry)
            #expect(newExpiry - oldExpiry > 79 * 86_400)
            gate.open()
            let result = await old.result
            #expect(result.output == "answer", Comment(rawValue: result.errors))
        }
    }

    @Test func newAuthorityOfClients() async throws {
        try await withTLSServer(isMutual: true, handler: { _ in .text("in") }) {
            server, certificates in
            // One file for the authorities of both sides.
            let url = server.secureURL()
            try certificates.issueClient("first", by: "authority")
            try certificates.makeAuthority("second")
            try certificates.issueClient("second-client", by: "second")
            let trusting = ["--cacert", certificates.path("copy.pem")]
            try certificates.write(try certificates.read("authority.pem"), to: "copy.pem")

            let before = try Curl(trusting + certificates.presenting("second-client") + [url])
            #expect(await before.result.exitStatus != 0)
            try certificates.write(try certificates.read("second.pem"), to: "authority.pem")
            try server.reloadTLS()
            let after = try await Curl.run(
                trusting + certificates.presenting("second-client") + [url])
            #expect(after == "in")
            let former = try Curl(trusting + certificates.presenting("first") + [url])
            #expect(await former.result.exitStatus != 0)
        }
    }

    enum Damage: String, CaseIterable, CustomTestStringConvertible {
        case noCertificate, certificateIsAFolder, emptyCertificate, damagedCertificate
        case longCertificate, noKey, keyIsACertificate, keyOfAnother, keyWithPassword
        case keyForEverybody, noAuthority, authorityIsAKey

        var testDescription: String { rawValue }

        /// Does it. Returns the file and what is wrong with it, or a part of that text.
        func apply(_ certificates: TestCertificates) throws -> (file: String, problem: String) {
            let server = certificates.path("server.pem")
            switch self {
            case .noCertificate:
                try FileManager.default.removeItem(atPath: server)
                return ("server.pem", "cannot be read: No such file or directory")
            case .certificateIsAFolder:
                try FileManager.default.removeItem(atPath: server)
                try FileManager.default.createDirectory(
                    atPath: server, withIntermediateDirectories: false)
                return ("server.pem", "is not a regular file")
            case .emptyCertificate:
                try certificates.write("", to: "server.pem")
                return ("server.pem", "holds no certificate in PEM: ")
            case .damagedCertificate:
                let text = try certificates.read("server.pem")
                try certificates.write(String(text.dropLast(100)), to: "server.pem")
                return ("server.pem", "holds no certificate in PEM: ")
            case .longCertificate:
                try certificates.write(
                    String(repeating: "x", count: TLSConfiguration.maximumFileBytes + 1),
                    to: "server.pem")
                return ("server.pem", "is longer than 1048576 bytes")
            case .noKey:
                try FileManager.default.removeItem(atPath: certificates.path("server.key"))
                return ("server.key", "cannot be read: No such file or directory")
            case .keyIsACertificate:
                try writeKey(try certificates.read("server.pem"), certificates)
                return ("server.key", "holds no private key in PEM: ")
            case .keyOfAnother:
                try writeKey(try certificates.read("authority.key"), certificates)
                return (
                    "server.key",
                    "does not hold the private key of the first certificate in \(server)"
                )
            case .keyWithPassword:
                let key = try certificates.openssl([
                    "pkcs8", "-topk8", "-in", certificates.path("server.key"), "-passout",
                    "pass:secret",
                ])
                try writeKey(key, certificates)
                return ("server.key", "holds a private key with a password")
            case .keyForEverybody:
                try certificates.setMode(0o644, of: "server.key")
                return ("server.key", "has mode 0644, so others can use the private key")
            case .noAuthority:
                try FileManager.default.removeItem(
                    atPath: certificates.path("authority.pem"))
                return ("authority.pem", "cannot be read: No such file or directory")
            case .authorityIsAKey:
                try certificates.write(
                    try certificates.read("authority.key"), to: "authority.pem")
                return ("authority.pem", "holds no certificate in PEM: ")
            }
        }

        private func writeKey(_ text: String, _ certificates: TestCertificates) throws {
            try certificates.write(text, to: "server.key")
            try certificates.setMode(0o600, of: "server.key")
        }
    }

    @Test(arguments: Damage.allCases) func damagedFilesChangeNothing(_ damage: Damage)
        async throws
    {
        try await withTLSServer(isMutual: true, handler: { _ in .text("still here") }) {
            server, certificates in
            try certificates.issueClient("client", by: "authority")
            try certificates.write(try certificates.read("authority.pem"), to: "copy.pem")
            let expiry = server.certificateExpiry
            let (file, problem) = try damage.apply(certificates)
            let expected = "TLS: \(certificates.path(file)) \(problem)"
            let error = #expect(throws: HTTPServerError.self) { try server.reloadTLS() }
            #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
            #expect(server.certificateExpiry == expiry)
            let answer = try await Curl.run(
                ["--cacert", certificates.path("copy.pem")] + certificates.presenting("client")
                    + [server.secureURL()])
            #expect(answer == "still here")

            // The same files at a start.
            var configuration = HTTPServerConfiguration()
            configuration.port = 0
            configuration.tls = TLSConfiguration(
                certificateFile: certificates.path("server.pem"),
                keyFile: certificates.path("server.key"),
                clientCAFile: certificates.path("authority.pem"))
            let other = HTTPServer(configuration: configuration) { _ in .text("") }
            #expect(throws: try #require(error)) { try other.start() }
        }
    }

    /// Debian's group `ssl-cert` reads keys of 0640.
    @Test func groupMayReadTheKey() async throws {
        try await withTLSServer(handler: { _ in .text("") }) { server, certificates in
            try certificates.setMode(0o640, of: "server.key")
            try server.reloadTLS()
        }
    }

    @Test(arguments: ["rsa:2048", "ed25519"]) func otherKindsOfKeys(kind: String) async throws {
        try await withTLSServer(handler: { _ in .text("signed") }) { server, certificates in
            try certificates.openssl([
                "req", "-x509", "-newkey", kind, "-nodes", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", certificates.path("server.key"),
                "-out", certificates.path("server.pem"),
            ])
            try server.reloadTLS()
            for version in ["1.2", "1.3"] {
                let answer = try await Curl.run([
                    "--cacert", certificates.path("server.pem"), "--tls-max", version,
                    server.secureURL(),
                ])
                #expect(answer == "signed")
            }
        }
    }

    // MARK: Validity

    @Test(arguments: [
        (-1, "The TLS certificate in c.pem is not valid yet. Clients will refuse it."),
        (0, nil), (69 * 86_400, nil),
        (69 * 86_400 + 1, "The TLS certificate in c.pem expires in 20 days."),
        (89 * 86_400, "The TLS certificate in c.pem expires in 1 day."),
        (90 * 86_400, "The TLS certificate in c.pem expires in 0 days."),
        (90 * 86_400 + 1, "The TLS certificate in c.pem has expired. Clients will refuse it."),
    ] as [(Int64, String?)])
    func warningInTime(seconds: Int64, expected: String?) {
        let start: Int64 = 1_800_000_000
        let text = TLSCredentials.warning(
            activation: start, expiry: start + 90 * 86_400, now: start + seconds, file: "c.pem")
        #expect(text == expected)
    }

    @Test func operatorIsWarnedAtEachLoad() async throws {
        let warnings = Mutex<[String]>([])
        try await withTLSServer(
            { $0.warn = { text in warnings.withLock { $0.append(text) } } },
            handler: { _ in .text("") }
        ) { server, certificates in
            #expect(warnings.withLock { $0.count } == 1)
            try certificates.issueServer("renewed", by: "authority", days: 90)
            try certificates.replace("server", with: "renewed")
            try server.reloadTLS()
            #expect(warnings.withLock { $0.count } == 1)
            try certificates.issueServer("expired", by: "authority", days: -1)
            try certificates.replace("server", with: "expired")
            try server.reloadTLS()
            let texts = warnings.withLock { $0 }
            #expect(texts.count == 2)
            // It is as long as the second in which it was made.
            #expect(texts[0].contains(/expires in (9|10) days\.$/))
            #expect(texts[1].hasSuffix("has expired. Clients will refuse it."))
        }
    }
}
