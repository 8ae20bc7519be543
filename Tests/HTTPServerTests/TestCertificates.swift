import Foundation
import HTTPServer
import Testing

/// A folder with certificates and keys, made by `openssl` and removed at the end.
final class TestCertificates: Sendable {
    struct Failure: Error { let arguments: [String], errors: String }

    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "tls-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// `NAME.pem` and `NAME.key` of a new authority.
    func makeAuthority(_ name: String) throws {
        try openssl(
            Self.newKey + [
                "-x509", "-days", "10", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"),
                "-out", path("\(name).pem"), "-addext", "basicConstraints=critical,CA:TRUE",
            ])
    }

    /// `NAME.pem` and `NAME.key`, signed by `authority`.
    ///
    /// - Parameters:
    ///   - days: that it is still valid; a negative number for one that has expired.
    ///   - extensions: as in a configuration file of `openssl`.
    func issue(
        _ name: String, by authority: String, subject: String, days: Int = 10,
        extensions: [String] = []
    ) throws {
        let request = path("\(name).csr")
        let options = path("\(name).ext")
        try openssl(
            Self.newKey + [
                "-utf8", "-subj", subject, "-keyout", path("\(name).key"), "-out", request,
            ])
        try write(extensions.joined(separator: "\n") + "\n", to: "\(name).ext")
        try openssl([
            "x509", "-req", "-in", request, "-days", "\(days)", "-extfile", options,
            "-CA", path("\(authority).pem"), "-CAkey", path("\(authority).key"),
            "-out", path("\(name).pem"),
        ])
    }

    /// A certificate for this machine's loopback address.
    func issueServer(_ name: String = "server", by authority: String, days: Int = 10) throws {
        try issue(
            name, by: authority, subject: "/CN=localhost", days: days,
            extensions: [
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "extendedKeyUsage=serverAuth",
            ])
    }

    func issueClient(_ name: String, by authority: String, days: Int = 10) throws {
        try issue(
            name, by: authority, subject: "/CN=\(name)", days: days,
            extensions: ["extendedKeyUsage=clientAuth"])
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: path(name))
    }

    /// In place of `name`, as a renewal does it.
    func replace(_ name: String, with other: String) throws {
        try write(try read("\(other).pem"), to: "\(name).pem")
        try write(try read("\(other).key"), to: "\(name).key")
        try setMode(0o600, of: "\(name).key")
    }

    private static let newKey = [
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    ]

    @discardableResult
    func openssl(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let errorText = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                arguments: arguments, errors: String(decoding: errorText, as: UTF8.self))
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Runs a server with TLS, whose certificate `server` was issued by `authority`; with mutual TLS,
/// its clients' must be, too.
func withTLSServer(
    isMutual: Bool = false,
    _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    handler: @escaping Handler,
    _ body: (HTTPServer, TestCertificates) async throws -> Void
) async throws {
    let certificates = try TestCertificates()
    try certificates.makeAuthority("authority")
    try certificates.issueServer(by: "authority")
    try await withServer(
        {
            $0.tls = TLSConfiguration(
                certificateFile: certificates.path("server.pem"),
                keyFile: certificates.path("server.key"),
                clientCAFile: isMutual ? certificates.path("authority.pem") : nil)
            configure(&$0)
        }, handler: handler
    ) { try await body($0, certificates) }
}

extension HTTPServer {
    func secureURL(_ path: String = "/") -> String { "https://127.0.0.1:\(port)\(path)" }
}

extension TestCertificates {
    /// What curl needs to trust the server.
    var trusting: [String] { ["--cacert", path("authority.pem")] }

    func presenting(_ name: String) -> [String] {
        ["--cert", path("\(name).pem"), "--key", path("\(name).key")]
    }
}

extension Curl {
    /// Runs to the end, which must be a success.
    static func run(
        _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let result = await (try Curl(arguments)).result
        #expect(
            result.exitStatus == 0, Comment(rawValue: result.errors),
            sourceLocation: sourceLocation)
        return result.output
    }
}
