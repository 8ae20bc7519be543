import Glibc

/// What is wrong with a file that says who may do what: the file, the line, and what to do.
public struct AccessFileError: Error, Equatable, CustomStringConvertible {
    /// The file, as it was named.
    public let path: String
    /// From 1; `nil` when it is about the file as a whole.
    public let line: Int?
    /// What is wrong there and what to do. Never repeats a token.
    public let reason: String
    let kind: AccessFile.Kind

    public var description: String {
        let place = line.map { ", line \($0):" } ?? ""
        return "the \(kind.rawValue) \(path)\(place) \(reason)"
    }
}

/// A text file of lines with fields, from which comments and empty lines are left out.
struct AccessFile: Equatable {
    enum Kind: String, Sendable {
        case tokens = "token file"
        case peers = "peer file"
    }

    let kind: Kind
    let path: String

    func error(line: Int? = nil, _ reason: String) -> AccessFileError {
        AccessFileError(path: path, line: line, reason: reason, kind: kind)
    }

    /// The numbers and the fields of the lines that have any. Fields are separated by spaces and
    /// tabs; a carriage return is one, for files from elsewhere.
    func lines(of bytes: [UInt8]) -> [(number: Int, fields: [ArraySlice<UInt8>])] {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            let fields = line.prefix { $0 != UInt8(ascii: "#") }
                .split { $0 == UInt8(ascii: " ") || $0 == 0x09 || $0 == 0x0d }
            return fields.isEmpty ? nil : (index + 1, fields)
        }
    }

    /// - Parameter forbidding: bits of the mode of which none may be set.
    func read(forbidding: UInt32, limit: Int) throws(AccessFileError) -> [UInt8] {
        do {
            return try GuardedFile.read(path, forbidding: forbidding, limit: limit)
        } catch {
            switch error {
            case .cannotRead(let number):
                throw self.error("cannot be read: \(errorText(number))")
            case .notAFile:
                throw self.error("is not a regular file")
            case .openPermissions(let mode):
                throw self.error(
                    "has mode 0\(String(mode, radix: 8)), so others can "
                        + (kind == .tokens ? "use it" : "change it")
                        + "; run: chmod \(kind == .tokens ? "600" : "644") \(path)")
            case .foreignOwner:
                throw self.error("belongs to another user; run: chown \(geteuid()) \(path)")
            case .tooLong:
                throw self.error("is longer than \(limit) bytes")
            }
        }
    }
}

/// Reading files that decide over access: what was opened is what is checked.
enum GuardedFile {
    enum Failure: Error {
        case cannotRead(errno: Int32)
        case notAFile
        case openPermissions(mode: mode_t)
        case foreignOwner
        case tooLong
    }

    /// The whole of a regular file that belongs to this user or to root.
    ///
    /// - Parameters:
    ///   - forbidding: bits of the mode of which none may be set.
    ///   - limit: bytes it may have.
    static func read(
        _ path: String, forbidding: mode_t, limit: Int
    ) throws(Failure) -> [UInt8] {
        // Not to hang on a FIFO.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotRead(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotRead(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard status.st_mode & forbidding == 0 else {
            throw .openPermissions(mode: status.st_mode & 0o7777)
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else { throw .foreignOwner }
        // One byte more than there may be, to see what is too long.
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        defer { wipe(&buffer) }
        var count = 0
        while count < buffer.count {
            let more = buffer.withUnsafeMutableBytes { buffer in
                Glibc.read(
                    descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                        .baseAddress, buffer.count - count)
            }
            if more < 0, errno == EINTR { continue }
            guard more >= 0 else { throw .cannotRead(errno: errno) }
            if more == 0 { break }
            count += more
        }
        guard count <= limit else { throw .tooLong }
        return Array(buffer[..<count])
    }
}
