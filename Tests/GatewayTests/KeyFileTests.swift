import Foundation
import LRP2P
import Testing

@testable import Gateway

@Suite struct KeyFileTests {
    /// A directory that is removed in the end.
    final class Directory {
        let path = NSTemporaryDirectory() + "keyfile-\(UUID().uuidString)"
        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ text: String, mode: Int = 0o600) throws -> String {
            let file = path + "/identity.key"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            return file
        }
    }

    let digits = String(repeating: "0a", count: 32)

    private func message(of path: String) throws -> String {
        let error = #expect(throws: KeyFileError.self) { try KeyFile.loadOrCreate(at: path) }
        let text = try #require(error).description
        #expect(!text.contains("\n"))
        return text
    }

    @Test func defaultPath() throws {
        let path = { (variables: [String: String]) in
            try KeyFile.defaultPath { variables[$0] }
        }
        #expect(
            try path(["HOME": "/h", "XDG_STATE_HOME": "/s"]) == "/s/lrp2p-gateway/identity.key")
        #expect(
            try path(["HOME": "/h", "XDG_STATE_HOME": "s"])
                == "/h/.local/state/lrp2p-gateway/identity.key")
        #expect(throws: KeyFileError.self) { try path([:]) }
    }

    @Test(arguments: [0o644, 0o640, 0o660, 0o604, 0o601])
    func refusesOpenPermissions(mode: Int) throws {
        let directory = try Directory()
        let file = try directory.write(digits + "\n", mode: mode)
        let message = try message(of: file)
        #expect(message.contains(file))
        #expect(message.contains("chmod 600"))
        #expect(message.contains("0" + String(mode, radix: 8)))
    }

    @Test(arguments: [
        "", "\n", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
        String(repeating: "g", count: 64), String(repeating: "0", count: 64) + "\n\n",
        String(repeating: "0", count: 64) + "\r\n", " " + String(repeating: "0", count: 63),
    ])
    func refusesOtherContent(text: String) throws {
        let directory = try Directory()
        let file = try directory.write(text)
        let message = try message(of: file)
        #expect(message.contains(file))
        #expect(message.contains("64 hexadecimal digits"))
        // It is still there: a key must never be written over.
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
    }

    @Test func refusesADirectory() throws {
        let directory = try Directory()
        #expect(try message(of: directory.path).contains("not a regular file"))
    }

    @Test func saysWhyItCannotCreate() throws {
        let directory = try Directory()
        let file = try directory.write("")
        let message = try message(of: file + "/below/identity.key")
        #expect(message.contains("identity.key"))
        #expect(message.contains("Not a directory"))
    }
}

extension KeyFileTests {
    @Test func isMadeAtFirstAndReadLater() throws {
        let directory = try Directory()
        let file = directory.path + "/new/state/identity.key"
        let made = try KeyFile.loadOrCreate(at: file)
        #expect(try KeyFile.loadOrCreate(at: file).peerID == made.peerID)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text == Hex.encode(made.seed) + "\n")
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let parent = try FileManager.default.attributesOfItem(
            atPath: directory.path + "/new/state")
        #expect(parent[.posixPermissions] as? Int == 0o700)
        // Nothing else is left behind.
        let names = try FileManager.default.contentsOfDirectory(
            atPath: directory.path + "/new/state")
        #expect(names == ["identity.key"])
    }

    @Test func theFirstOneWins() async throws {
        let directory = try Directory()
        let file = directory.path + "/identity.key"
        let peers = await withTaskGroup(of: PeerID?.self) { group in
            for _ in 0..<32 {
                group.addTask { try? KeyFile.loadOrCreate(at: file).peerID }
            }
            return await group.reduce(into: [PeerID?]()) { $0.append($1) }
        }
        #expect(Set(peers).count == 1)
        #expect(peers.first != .some(nil))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names == ["identity.key"])
    }

    @Test func takesAFileWithoutNewline() throws {
        let directory = try Directory()
        let file = try directory.write(digits.uppercased())
        #expect(try KeyFile.loadOrCreate(at: file).seed == [UInt8](repeating: 0x0a, count: 32))
    }
}
