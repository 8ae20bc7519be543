import Foundation
import Logging
import Testing

@testable import lrp2p_gateway

@Suite struct StandardErrorLogHandlerTests {
    private func line(_ event: LogEvent) throws -> String {
        let pipe = Pipe()
        let handler = StandardErrorLogHandler(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        handler.log(event: event)
        try pipe.fileHandleForWriting.close()
        let data = try #require(try pipe.fileHandleForReading.readToEnd())
        return String(decoding: data, as: UTF8.self)
    }

    private func event(_ message: Logger.Message, _ metadata: Logger.Metadata = [:]) -> LogEvent {
        LogEvent(
            level: .info, message: message, error: nil, metadata: metadata, source: "test",
            file: #fileID, function: #function, line: #line)
    }

    @Test func writesTimeLevelMessageAndMetadata() throws {
        let line = try line(event("ready", ["b": "two \"words", "a": "1"]))
        let pattern = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info ready a=1 b="two \\"words"\n/
        #expect(try pattern.wholeMatch(in: line) != nil, "\(line)")
    }

    /// What a client sends must not be able to look like a line of ours.
    @Test func staysOnOneLine() throws {
        let line = try line(event("request", ["path": "/a\n2026 info fake\u{1b}[2J\r"]))
        #expect(line.filter { $0 == "\n" }.count == 1)
        #expect(!line.contains("\u{1b}") && !line.contains("\r"))
        #expect(line.contains(#"/a\n2026"#))
    }
}
