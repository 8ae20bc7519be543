import Foundation
import Testing

/// Where the executables under test are, and the sources they were built from.
enum Products {
    /// Set to test executables of another build, such as `.build/release`.
    static let directory: String = {
        if let directory = ProcessInfo.processInfo.environment["LRP2P_PRODUCTS"] {
            return URL(filePath: directory).path
        }
        // Beside the tests' own executable.
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().path
    }()

    static func path(_ name: String) -> String { "\(directory)/\(name)" }

    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// How much transfers carry each way: on loopback, and through a bad link, where congestion
    /// control makes it slow. `LRP2P_E2E_MEBIBYTES=64` is for more than a quick run.
    static let transferBytes = (requestedMebibytes ?? 8) << 20
    static let badLinkBytes = (requestedMebibytes ?? 1) << 20

    private static let requestedMebibytes =
        ProcessInfo.processInfo.environment["LRP2P_E2E_MEBIBYTES"].flatMap { Int($0) }
}

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "lrp2p-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    func emptyFile(_ name: String) throws -> URL {
        try Data().write(to: url.appending(path: name))
        return url.appending(path: name)
    }

    func file(_ name: String, content: Data, permissions: Int) throws -> String {
        try content.write(to: url.appending(path: name))
        try FileManager.default.setAttributes(
            [.posixPermissions: permissions], ofItemAtPath: path(name))
        return path(name)
    }

    /// A file of random bytes.
    func randomFile(_ name: String, bytes: Int) throws -> (path: String, content: Data) {
        let handle = try #require(FileHandle(forReadingAtPath: "/dev/urandom"))
        let content = try #require(try handle.read(upToCount: bytes))
        try content.write(to: url.appending(path: name))
        return (path(name), content)
    }
}
