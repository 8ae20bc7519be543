import FoundationEssentials
import Logging

/// How a log message becomes a line.
enum LogFormat: String, CaseIterable, Sendable {
    /// For people: time, level, message, metadata.
    case text
    /// An object a line: `time` (RFC 3339), `level`, `label`, `message`, and the metadata beside.
    case json

    /// Without the line's end, and with no control character: one message is one line.
    func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, label: String
    ) -> String {
        let pairs = metadata.sorted { $0.key < $1.key }
        switch self {
        case .text:
            let texts = pairs.map { " \($0.key)=\(Self.quoted($0.value.description))" }
            return escaped("\(Self.now()) \(level) \(message)\(texts.joined())")
        case .json:
            let own: [(String, Logger.MetadataValue)] = [
                ("time", .string(Self.now())), ("level", .string(level.rawValue)),
                ("label", .string(label)), ("message", .string(message)),
            ]
            return JSONText.object(own + Self.renamed(pairs, beside: own.map(\.0)))
        }
    }

    /// Metadata whose name is taken gets a prefix, as often as it needs.
    private static func renamed(
        _ pairs: [(key: String, value: Logger.MetadataValue)], beside own: [String]
    ) -> [(String, Logger.MetadataValue)] {
        var taken = Set(own).union(pairs.map(\.key))
        return pairs.map { key, value in
            guard own.contains(key) else { return (key, value) }
            var name = key
            repeat { name = "metadata_\(name)" } while taken.contains(name)
            taken.insert(name)
            return (name, value)
        }
    }

    private static func now() -> String {
        Date().formatted(.iso8601.time(includingFractionalSeconds: true).dateSeparator(.dash)
            .year().month().day().timeZone(separator: .omitted))
    }

    /// A value that would run into the next one is put in quotes.
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { $0 == " " || $0 == "\"" }) else { return text }
        return "\"" + text.map { $0 == "\"" ? "\\\"" : String($0) }.joined() + "\""
    }
}

/// With control characters made visible: a line must not be able to look like two.
func escaped(_ text: String) -> String {
    // Nearly always.
    if text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return text }
    return text.unicodeScalars.map { scalar in
        scalar.properties.generalCategory == .control
            ? scalar.escaped(asASCII: true) : String(scalar)
    }.joined()
}
