import Glibc

/// A directory for the files of one measurement, which goes away with its owner.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/lrp2p-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw BenchError.system(operation: "mkdtemp", errno: errno)
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // Programs leave files and sockets, but no directories of their own.
        for name in Self.names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a file.
    func write(_ text: String, to name: String) throws {
        var text = text
        let written = try withFile(name) { descriptor in
            text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
        guard written == text.utf8.count else {
            throw BenchError.system(operation: "write", errno: errno)
        }
    }

    /// Makes a file of this length that takes no room.
    func makeFile(_ name: String, bytes: Int) throws {
        guard try withFile(name, { ftruncate($0, bytes) }) == 0 else {
            throw BenchError.system(operation: "ftruncate", errno: errno)
        }
    }

    private func withFile<Value>(_ name: String, _ body: (Int32) -> Value) throws -> Value {
        let descriptor = open(path(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchError.system(operation: "open", errno: errno) }
        defer { close(descriptor) }
        return body(descriptor)
    }

    /// The entries of a directory, without `.` and `..`; none when there is no such directory.
    static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
