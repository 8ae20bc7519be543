import Foundation
import ProcessSupport
import Testing

/// Certificate and key of an HTTPS server, signed by itself, made by `openssl`.
struct ServerCertificate {
    private let directory: TemporaryDirectory

    var path: String { directory.path("server.pem") }
    var options: [String] { ["--tls-certificate", path, "--tls-key", directory.path("server.key")] }

    init(days: Int) async throws {
        directory = try TemporaryDirectory()
        try await renew(days: days)
    }

    /// Replaces both files.
    func renew(days: Int) async throws {
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "\(days)",
            "-keyout", directory.path("server.key"), "-out", path)
    }

    /// When it expires, in seconds since 1970, as `openssl` reads it.
    func expiry() async throws -> Double {
        // notAfter=2026-11-21 12:00:00Z
        let text = try await openssl(
            "x509", "-in", path, "-noout", "-enddate", "-dateopt", "iso_8601")
        let date = text.split(separator: "=").last?.trimmingCharacters(in: .whitespacesAndNewlines)
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions.insert(.withSpaceBetweenDateAndTime)
        return try #require(formatter.date(from: date ?? ""), "\(text)").timeIntervalSince1970
    }

    @discardableResult
    private func openssl(_ arguments: String...) async throws -> String {
        let process = try ChildProcess("openssl", arguments)
        try #require(try await process.wait() == .status(0), "\(process.errorText)")
        return process.outputText
    }
}
