import FoundationEssentials
import Glibc
import Logging

/// Writes each log message as one line on standard error: time, level, message, metadata.
struct StandardErrorLogHandler: LogHandler {
    /// Another descriptor is for tests.
    var descriptor = STDERR_FILENO
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted($0.value))" }
        let line = "\(Self.now()) \(event.level) \(event.message)\(pairs.joined())"
        writeLine(line, to: descriptor)
    }

    private static func now() -> String {
        Date().formatted(.iso8601.time(includingFractionalSeconds: true).dateSeparator(.dash)
            .year().month().day().timeZone(separator: .omitted))
    }

    /// A value that would run into the next one is put in quotes.
    private static func quoted(_ value: Logger.MetadataValue) -> String {
        let text = value.description
        guard text.contains(where: { $0 == " " || $0 == "\"" }) else { return text }
        return "\"" + text.map { $0 == "\"" ? "\\\"" : String($0) }.joined() + "\""
    }
}

/// Writes a line at once and whole, control characters in it made visible: a log line must not be
/// able to look like two.
func writeLine(_ text: String, to descriptor: Int32) {
    let printable = text.unicodeScalars.map { scalar in
        scalar.properties.generalCategory == .control
            ? scalar.escaped(asASCII: true) : String(scalar)
    }
    var bytes = Array((printable.joined() + "\n").utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno != EINTR { return }
        bytes = bytes.dropFirst(max(0, count))
    }
}
