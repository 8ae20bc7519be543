import Foundation
import Logging
import Testing

@testable import lrp2p_gateway

@Suite struct LogFormatTests {
    private func text(_ message: String, _ metadata: Logger.Metadata = [:]) -> String {
        LogFormat.text.line(.info, message, metadata, label: "l")
    }

    private func object(
        _ message: String, _ metadata: Logger.Metadata = [:]
    ) throws -> [String: Any] {
        let line = LogFormat.json.line(.info, message, metadata, label: "l")
        #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(object as? [String: Any])
    }

    @Test func textHasTimeLevelMessageAndMetadata() throws {
        let line = text("ready", ["b": "two \"words", "a": "1"])
        let pattern = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info ready a=1 b="two \\"words"/
        #expect(try pattern.wholeMatch(in: line) != nil, "\(line)")
    }

    /// What a client sends must not be able to look like a line of ours.
    @Test func textStaysOnOneLine() throws {
        let line = text("request", ["path": "/a\n2026 info fake\u{1b}[2J\r"])
        #expect(!line.contains { $0.isNewline })
        #expect(!line.contains("\u{1b}"))
        #expect(line.contains(#"/a\n2026"#))
    }

    @Test func jsonHasMembers() throws {
        let object = try object(
            "ready",
            [
                "a": "1", "list": ["x", ["y": "z"]], "other": .stringConvertible(5),
            ])
        let time = try #require(object["time"] as? String)
        #expect(try /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.wholeMatch(in: time) != nil)
        #expect(object["level"] as? String == "info")
        #expect(object["label"] as? String == "l")
        #expect(object["message"] as? String == "ready")
        #expect(object["a"] as? String == "1")
        #expect(object["other"] as? String == "5")
        let list = try #require(object["list"] as? [Any])
        #expect(list[0] as? String == "x")
        #expect((list[1] as? [String: String]) == ["y": "z"])
        #expect(object.count == 7)
    }

    @Test func jsonNamesDoNotClash() throws {
        let object = try object("m", ["message": "1", "metadata_message": "2", "time": "3"])
        #expect(object["message"] as? String == "m")
        #expect(object["metadata_message"] as? String == "2")
        #expect(object["metadata_metadata_message"] as? String == "1")
        #expect(object["metadata_time"] as? String == "3")
        #expect(object.count == 7)
    }

    @Test func jsonHoldsWhateverThereIs() throws {
        var all = (0..<0x300).compactMap { Unicode.Scalar($0).map(String.init) }.joined()
        all += "\u{2028}\u{2029}\u{fffd}\u{10ffff}👩‍👩‍👧\"\\/"
        let object = try object(all, [all: "\(all)"])
        #expect(object["message"] as? String == all)
        #expect(object[all] as? String == all)
        // What is not UTF-8 has become what is.
        let damaged = String(decoding: [0x61, 0xff, 0xc0, 0x80] as [UInt8], as: UTF8.self)
        #expect(try self.object(damaged)["message"] as? String == damaged)
    }
}
