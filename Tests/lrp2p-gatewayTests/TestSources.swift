import Foundation

@testable import lrp2p_gateway

/// A file of settings that goes away with its owner.
final class TestFile: Sendable {
    let path: String

    init(_ text: String, permissions: Int = 0o644) throws {
        path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try write(text, permissions: permissions)
    }

    func write(_ text: String, permissions: Int = 0o644) throws {
        try write(Data(text.utf8), permissions: permissions)
    }

    func write(_ data: Data, permissions: Int = 0o644) throws {
        try data.write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.posixPermissions: permissions], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension SettingSources {
    /// As a process gets them that has this environment and no other.
    static func test(
        _ arguments: [String], environment: [String: String] = ["HOME": "/home/me"],
        file: TestFile? = nil
    ) throws -> SettingSources {
        let config = file.map { ["--config", $0.path] } ?? []
        return try SettingSources(
            GatewayCommand.parse(arguments + config), environment: environment)
    }
}
