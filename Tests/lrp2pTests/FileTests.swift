import Foundation
import GatewayClient
import Glibc
import Testing

@testable import lrp2p

@Suite struct FileTests {
    private let directory = FileManager.default.temporaryDirectory
        .appending(path: "lrp2p-tool-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path }

    private func document(acknowledged: Int, epoch: String = "e1") throws -> ConnectionDocument {
        let text = """
            {"id":"c1","state":"open","direction":"inbound","peer":"LT","remote_address":"1",\
            "protocol":"extended","receive":{"acknowledged":"\(epoch)-\(acknowledged)",\
            "acknowledged_offset":\(acknowledged),"received_offset":99,"finished":false,\
            "readers":[]}}
            """
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(ConnectionDocument.self, from: Data(text.utf8))
    }

    @Test func aFileAppearsWhenItIsComplete() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var file = PartFile(path("f"))
        try file.begin(document(acknowledged: 0))
        try file.write(Array("hello".utf8))
        #expect(access(path("f"), F_OK) != 0)
        #expect(try String(contentsOfFile: path("f.e1.part"), encoding: .utf8) == "hello")
        try file.finish()
        #expect(try String(contentsOfFile: path("f"), encoding: .utf8) == "hello")
        #expect(access(path("f.e1.part"), F_OK) != 0)
    }

    /// What follows the acknowledged bytes was written, and comes again.
    @Test func whatWasNotAcknowledgedIsTakenAgain() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("hello wor".utf8).write(to: directory.appending(path: "f.e1.part"))
        var file = PartFile(path("f"))
        try file.begin(document(acknowledged: 6))
        try file.write(Array("world".utf8))
        try file.finish()
        #expect(try String(contentsOfFile: path("f"), encoding: .utf8) == "hello world")
    }

    @Test func whatCannotBeRightIsRefused() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        // Bytes were acknowledged and are not here.
        var without = PartFile(path("f"))
        #expect { try without.begin(document(acknowledged: 6)) } throws: {
            ($0 as? Failure)?.status == .data
        }
        try Data("hello".utf8).write(to: directory.appending(path: "f.e1.part"))
        var short = PartFile(path("f"))
        #expect { try short.begin(document(acknowledged: 6)) } throws: {
            ($0 as? Failure)?.status == .data
        }
        // That of another stream is not touched.
        var other = PartFile(path("f"))
        try other.begin(document(acknowledged: 0, epoch: "e2"))
        #expect(try String(contentsOfFile: path("f.e1.part"), encoding: .utf8) == "hello")
        // One at a time.
        var second = PartFile(path("f"))
        #expect { try second.begin(document(acknowledged: 0, epoch: "e2")) } throws: {
            ($0 as? Failure)?.status == .tryLater
        }
        var nowhere = PartFile(path("missing/f"))
        #expect { try nowhere.begin(document(acknowledged: 0)) } throws: {
            ($0 as? Failure)?.status == .cannotCreate
        }
        #expect(try PartFile.partPath(document(acknowledged: 0, epoch: "../x"), "f") == nil)
    }

    @Test func aFullDiskIsToldAsSuch() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var output = try OutputFile.open("/dev/full")
        #expect {
            try output.write([1, 2, 3])
        } throws: { error in
            let failure = (error as? WriteFailure)?.failure
            return failure?.status == .output && failure?.message.contains("disk is full") == true
        }
        #expect { _ = try OutputFile.open("/") } throws: {
            ($0 as? Failure)?.status == .cannotCreate
        }
    }

    // MARK: Input

    @Test func whatThereIsIsTakenAtOnce() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        var reader = ChunkReader(ends[0], name: "pipe", chunkBytes: 8)
        write(ends[1], "abc", 3)
        var count = try reader.next()
        #expect(reader.buffer[..<count].elementsEqual("abc".utf8))
        // In pieces of the chunk's size, and together what came in two writes.
        write(ends[1], "0123", 4)
        write(ends[1], "456789", 6)
        close(ends[1])
        count = try reader.next()
        #expect(reader.buffer[..<count].elementsEqual("01234567".utf8))
        count = try reader.next()
        #expect(reader.buffer[..<count].elementsEqual("89".utf8))
        count = try reader.next()
        #expect(count == 0)
        count = try reader.next()
        #expect(count == 0)
    }

    @Test func filesThatCannotBeSent() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        for path in [path("missing"), directory.path] {
            #expect { _ = try Input.open(path) } throws: { ($0 as? Failure)?.status == .noInput }
        }
    }

    @Test func tokenFiles() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "token")
        try Data("  secret\n".utf8).write(to: file)
        chmod(file.path, 0o600)
        #expect(try TokenFile.read(file.path) == "secret")
        chmod(file.path, 0o644)
        #expect { _ = try TokenFile.read(file.path) } throws: {
            ($0 as? Failure)?.message.contains("chmod 600") == true
        }
        chmod(file.path, 0o600)
        for content in ["", "name read secret", String(repeating: "x", count: 1025)] {
            try Data(content.utf8).write(to: file)
            #expect { _ = try TokenFile.read(file.path) } throws: {
                ($0 as? Failure)?.status == .configuration
            }
        }
    }

    @Test func whereTheGatewayIs() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var options = try GlobalOptions.parse([])
        #expect(try options.configuration { _ in nil }.url == "http://127.0.0.1:8080")
        let variables = ["LRP2P_GATEWAY": "http://e", "LRP2P_TOKEN": "t"]
        #expect(try options.configuration { variables[$0] }.url == "http://e")
        #expect(try options.configuration { variables[$0] }.token == "t")
        options = try GlobalOptions.parse(["--gateway", "http://o"])
        #expect(try options.configuration { variables[$0] }.url == "http://o")
        options = try GlobalOptions.parse(["--ca", path("missing")])
        #expect { _ = try options.configuration { _ in nil } } throws: {
            ($0 as? Failure)?.status == .configuration
        }
    }
}
