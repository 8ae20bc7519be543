import Glibc

/// A file of settings: lines of `NAME=value`, with the names of the environment; comments that
/// begin with `#`; empty lines. Blanks around names and values do not count, nothing is quoted or
/// expanded, and a value goes to the end of its line.
///
/// These are the files that swift-configuration's `EnvironmentVariablesProvider` reads. It passes
/// over what it does not understand, in silence and without line numbers, which is why the lines
/// are read here.
struct ConfigurationFile: Sendable {
    struct Line: Hashable, Sendable {
        let number: Int
        let name: String
        let value: String
    }

    let path: String
    let lines: [Line]

    /// Longest file, in bytes.
    static let maximumBytes = 1 << 20

    init(path: String, lines: [Line]) {
        (self.path, self.lines) = (path, lines)
    }

    init(reading path: String) throws(ConfigurationFileError) {
        self.init(path: path, lines: try Self.parse(try Self.read(path), path: path))
    }

    static func parse(_ text: String, path: String) throws(ConfigurationFileError) -> [Line] {
        var lines: [Line] = []
        let split = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in split.enumerated() {
            let number = index + 1
            let line = trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = trimmed(parts[0])
            guard parts.count == 2, isName(name) else {
                throw .line(path: path, number, "has to be NAME=value, or a comment after #")
            }
            guard let setting = SettingTable.all.first(where: { $0.variable == name }) else {
                let nearest = Nearest.setting(to: name)
                throw .line(path: path, number, "there is no setting \(name); is it \(nearest)?")
            }
            guard setting.isAllowedInFile else {
                throw .line(path: path, number, "\(name) cannot be set in the file")
            }
            if let other = lines.first(where: { $0.name == name }) {
                throw .line(path: path, number, "\(name) was set in line \(other.number) before")
            }
            lines.append(Line(number: number, name: name, value: trimmed(parts[1])))
        }
        return lines
    }

    /// So that an error can show it: `export X=y` is no name.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    private static func read(_ path: String) throws(ConfigurationFileError) -> String {
        // Not to hang on a FIFO; what was opened is what is checked.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotRead(path: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotRead(path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        // Whoever can write here can open the gateway to all. Who is in its group is a decision of
        // the owner's; "others" are everybody.
        guard status.st_mode & 0o002 == 0 else {
            throw .writableByOthers(path: path, mode: status.st_mode & 0o7777)
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .cannotRead(path: path, errno: errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= maximumBytes else { throw .tooLong(path: path) }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .notUTF8(path: path)
        }
        return text
    }
}

/// Why a file of settings cannot be used.
enum ConfigurationFileError: Error, Equatable, CustomStringConvertible {
    case cannotRead(path: String, errno: Int32)
    case notAFile(path: String)
    case writableByOthers(path: String, mode: mode_t)
    case tooLong(path: String)
    case notUTF8(path: String)
    case line(path: String, Int, String)

    var description: String {
        switch self {
        case .cannotRead(let path, let errno):
            "cannot read the configuration file \(path): \(String(cString: strerror(errno)))"
        case .notAFile(let path): "the configuration file \(path) is not a regular file"
        case .writableByOthers(let path, let mode):
            "the configuration file \(path) has mode 0\(String(mode, radix: 8)), so everybody can "
                + "change it; run: chmod o-w \(path)"
        case .tooLong(let path):
            "the configuration file \(path) is longer than \(ConfigurationFile.maximumBytes) bytes"
        case .notUTF8(let path): "the configuration file \(path) is not UTF-8 text"
        case .line(let path, let number, let what): "\(path) line \(number): \(what)"
        }
    }
}

/// Without blanks at its ends.
func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" }
    guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return String(start[...last])
}
