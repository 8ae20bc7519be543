import Foundation
import HTTPTypes
import Logging
import Synchronization

@testable import Gateway

/// A file that is removed in the end.
final class TemporaryFile {
    let path = NSTemporaryDirectory() + "access-\(UUID().uuidString)"

    init(_ text: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Keeps the lines of a logger.
final class RecordedLog: Sendable {
    struct Line: Sendable {
        let label: String
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    private let state = Mutex<[Line]>([])

    var lines: [Line] { state.withLock { $0 } }
    /// What is about who changed what.
    var audit: [[String: String]] { lines.filter { $0.message == "audit" }.map(\.metadata) }

    var logger: Logger {
        var logger = Logger(label: "test") { Handler(label: $0, log: self) }
        logger.logLevel = .trace
        return logger
    }

    var auditLogger: Logger {
        var logger = Logger(label: "audit") { Handler(label: $0, log: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let label: String
        let log: RecordedLog
        var logLevel: Logger.Level = .trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line = Line(
                label: label, level: event.level, message: event.message.description,
                metadata: all.mapValues(\.description))
            log.state.withLock { $0.append(line) }
        }
    }
}

/// Tokens of every kind; each is as long as it has to be.
enum TestTokens {
    static let all = "all-scopes-0123456789"
    static let read = "read-only-0123456789"
    static let metrics = "metrics-only-0123456789"

    static func table() throws -> TokenTable {
        let text = """
            admin read,write,metrics \(all)
            reader read \(read)
            prometheus metrics \(metrics)
            """
        return try TokenFile.parse(Array(text.utf8), of: AccessFile(kind: .tokens, path: "t"))
    }

    static func configuration(
        _ change: (inout AccessConfiguration) -> Void = { _ in }
    ) throws -> AccessConfiguration {
        var access = AccessConfiguration()
        access.tokens = try table()
        change(&access)
        return access
    }
}

extension HTTPFields {
    static func bearer(_ token: String) -> HTTPFields { [.authorization: "Bearer \(token)"] }
}
