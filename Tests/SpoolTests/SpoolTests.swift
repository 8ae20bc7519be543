import Foundation
import TestSupport
import Testing

@testable import Spool

struct SpoolTests {
    /// A directory that is gone after the test.
    private static func withDirectory(
        _ body: (String) async throws -> Void
    ) async throws {
        let path = NSTemporaryDirectory() + "spool-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func bytes(_ range: Range<Int>) -> [UInt8] {
        range.map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }

    @Test func whatWasKeptIsThereAgain() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1 << 20)
            #expect(spool.found.isEmpty && spool.storedBytes == 0)
            try await spool.begin("a", details: [1, 2, 3])
            try await spool.append(bytes(0..<1000), to: "a", at: 0)
            try await spool.append(bytes(1000..<5000), to: "a", at: 1000)
            try await spool.begin("b", details: [])
            try await spool.update("b", details: [9])
            try await spool.complete("b")
            spool.release("a", upTo: 1500, readers: ["": 1500, "x": 2000])
            #expect(try await spool.read("a", from: 1500, maximum: 100) == bytes(1500..<1600))
            #expect(spool.storedBytes == 3500)
            await spool.close()
            await #expect(throws: SpoolError.closed) { try await spool.begin("c", details: []) }

            let again = try Spool(directory: path, limit: 1 << 20)
            #expect(again.found == [
                StoredStream(
                    name: "a", details: [1, 2, 3], range: 1500..<5000, isComplete: false,
                    readers: ["": 1500, "x": 2000]),
                StoredStream(
                    name: "b", details: [9], range: 0..<0, isComplete: true, readers: [:]),
            ])
            #expect(again.storedBytes == 3500)
            #expect(try await again.read("a", from: 1500, maximum: 9999) == bytes(1500..<5000))
            #expect(try await again.read("a", from: 4999, maximum: 5) == bytes(4999..<5000))
            #expect(try await again.read("a", from: 5000, maximum: 5) == [])
            // Goes on where it was.
            try await again.append(bytes(5000..<6000), to: "a", at: 5000)
            #expect(try await again.read("a", from: 4000, maximum: 2000) == bytes(4000..<6000))
            again.remove("a")
            #expect(try await again.read("a", from: 4000, maximum: 2000) == [])
            #expect(again.storedBytes == 0)
            await again.close()
        }
    }

    /// The end of a stream is where it was, though nothing of it is kept.
    @Test func aStreamThatIsReleasedKeepsItsPosition() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1 << 20)
            try await spool.begin("a", details: [])
            try await spool.append(bytes(0..<300), to: "a", at: 0)
            spool.release("a", upTo: 300, readers: [:])
            spool.release("a", upTo: 200, readers: [:])
            await spool.close()
            let again = try Spool(directory: path, limit: 1 << 20)
            #expect(again.found.map(\.range) == [300..<300])
            await again.close()
        }
    }

    /// An append beyond the limit waits, others behind it too, and no byte is lost or exchanged.
    @Test func appendsWaitForRoom() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1000)
            for name in ["a", "b"] { try await spool.begin(name, details: []) }
            try await spool.append(bytes(0..<900), to: "a", at: 0)
            let waiting = Task { try await spool.append(bytes(0..<500), to: "b", at: 0) }
            try await eventually { spool.waitingAppends == 1 }
            let further = Task { try await spool.append(bytes(900..<950), to: "a", at: 900) }
            try await eventually { spool.waitingAppends == 2 }
            // What is done later overtakes them.
            try await spool.update("a", details: [1])
            #expect(spool.storedBytes <= 1000)
            spool.release("a", upTo: 800, readers: [:])
            try await waiting.value
            try await further.value
            #expect(spool.storedBytes == 650)
            // One that is longer than the limit waits for the rest to go, and no longer.
            let large = Task { try await spool.append(bytes(0..<3000), to: "b", at: 500) }
            spool.remove("a")
            spool.release("b", upTo: 500, readers: [:])
            try await large.value
            #expect(spool.storedBytes == 3000)
            let never = Task { try await spool.append([1], to: "b", at: 3500) }
            try await eventually { spool.waitingAppends == 1 }
            await spool.close()
            await #expect(throws: SpoolError.closed) { try await never.value }
        }
    }

    @Test func aFullDiskIsToldAndLosesNothing() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1 << 30, maximumPages: 20)
            try await spool.begin("a", details: [])
            try await spool.append(bytes(0..<100_000), to: "a", at: 0)
            await #expect(throws: SpoolError.diskFull(path: path + "/spool.sqlite")) {
                try await spool.append(bytes(0..<500_000), to: "a", at: 100_000)
            }
            #expect(spool.failure == .diskFull(path: path + "/spool.sqlite"))
            #expect(spool.storedBytes == 100_000)
            #expect(try await spool.read("a", from: 0, maximum: 200_000) == bytes(0..<100_000))
            spool.release("a", upTo: 100_000, readers: [:])
            try await spool.append(bytes(100_000..<150_000), to: "a", at: 100_000)
            #expect(spool.failure == nil)
            await spool.close()
        }
    }

    @Test func oneProcessAtATime() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1000)
            #expect(throws: SpoolError.inUse(path: path + "/spool.sqlite")) {
                try Spool(directory: path, limit: 1000)
            }
            await spool.close()
            await (try Spool(directory: path, limit: 1000)).close()
        }
    }

    @Test func whatOthersCouldReadIsRefused() async throws {
        try await Self.withDirectory { path in
            await (try Spool(directory: path, limit: 1000)).close()
            chmod(path, 0o755)
            #expect(throws: SpoolError.openPermissions(path: path, mode: 0o755)) {
                try Spool(directory: path, limit: 1000)
            }
            chmod(path, 0o700)
            chmod(path + "/spool.sqlite", 0o640)
            #expect(throws: SpoolError.self) { try Spool(directory: path, limit: 1000) }
        }
    }

    @Test func whatIsNotOursIsLeftAlone() async throws {
        try await Self.withDirectory { path in
            await (try Spool(directory: path, limit: 1000)).close()
            let file = path + "/spool.sqlite"
            let database = try Database(path: file)
            try database.run("PRAGMA user_version = 99")
            database.close()
            #expect(throws: SpoolError.newerVersion(path: file, version: 99)) {
                try Spool(directory: path, limit: 1000)
            }
            let noise = Data((0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) })
            try noise.write(to: URL(fileURLWithPath: file))
            #expect(throws: SpoolError.self) { try Spool(directory: path, limit: 1000) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == noise)
            try Data().write(to: URL(fileURLWithPath: path + "-file"))
            defer { unlink(path + "-file") }
            #expect(throws: SpoolError.self) { try Spool(directory: path + "-file", limit: 1) }
            #expect(throws: SpoolError.directory(path: "/nowhere/at/all", errno: ENOENT)) {
                try Spool(directory: "/nowhere/at/all", limit: 1)
            }
        }
    }

    /// One commit serves all that wait for it.
    @Test func commitsAreShared() async throws {
        try await Self.withDirectory { path in
            let spool = try Spool(directory: path, limit: 1000)
            let names = (0..<50).map { "\($0)" }
            for name in ["full"] + names { try await spool.begin(name, details: []) }
            try await spool.append(bytes(0..<1000), to: "full", at: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, name) in names.enumerated() {
                    group.addTask { try await spool.append([UInt8(index)], to: name, at: 0) }
                }
                try await eventually { spool.waitingAppends == names.count }
                let before = spool.commits.succeeded
                spool.remove("full")
                try await group.waitForAll()
                // One for what makes room, and one for all of them.
                #expect(spool.commits.succeeded == before + 2)
            }
            #expect(spool.waitingAppends == 0 && spool.storedBytes == names.count)
            for (index, name) in names.enumerated() {
                #expect(try await spool.read(name, from: 0, maximum: 100) == [UInt8(index)])
            }
            await spool.close()
        }
    }
}
