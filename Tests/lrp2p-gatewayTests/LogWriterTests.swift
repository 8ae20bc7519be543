import Foundation
import Logging
import Testing

@testable import lrp2p_gateway

@Suite struct LogWriterTests {
    private let pipe = Pipe()

    private func writer() throws -> LogWriter {
        try LogWriter(to: pipe.fileHandleForWriting.fileDescriptor) { "dropped \($0)" }
    }

    /// Reads until a line that ends it all.
    private func readLines(until last: String) throws -> [String] {
        var text = ""
        while !text.hasSuffix(last + "\n") {
            let data = pipe.fileHandleForReading.availableData
            try #require(!data.isEmpty)
            text += String(decoding: data, as: UTF8.self)
        }
        return text.split(separator: "\n").map(String.init)
    }

    @Test func writesLinesInTheirOrder() async throws {
        let writer = try writer()
        for number in 0..<100 { writer.write("\(number)") }
        #expect(try readLines(until: "\n99") == (0..<100).map(String.init))
    }

    @Test(.timeLimit(.minutes(1)))
    func flushedIsWritten() async throws {
        let writer = try writer()
        writer.write("a line")
        // On a busy machine that may take longer than one flush waits.
        while !writer.isIdle { writer.flushLast() }
        #expect(pipe.fileHandleForReading.availableData == Data("a line\n".utf8))
    }

    @Test(.timeLimit(.minutes(1)))
    func aPipeThatNobodyReadsStopsNobody() async throws {
        let writer = try writer()
        // Ten times what may wait, and far more than the pipe holds.
        let padding = String(repeating: "x", count: 1000)
        let count = 10 * LogWriter.maximumBytes / padding.utf8.count
        for number in 0..<count { writer.write("\(number) \(padding)") }
        writer.flushLast()

        // There is a reader again: what waited arrives, and how much is missing.
        let reader = Task.detached { try readLines(until: "the end") }
        while !writer.isIdle { try await Task.sleep(for: .milliseconds(5)) }
        writer.write("the end")
        let lines = try await reader.value
        let kept = lines.filter { $0.hasSuffix(padding) }
        let notices = lines.compactMap { line in
            line.hasPrefix("dropped ") ? Int(line.dropFirst("dropped ".count)) : nil
        }
        #expect(lines.count == kept.count + notices.count + 1)
        #expect(kept.count + notices.reduce(0, +) == count)
        #expect(kept.count >= LogWriter.maximumBytes / (padding.utf8.count + 10))
        #expect(kept.first == "0 \(padding)")
        #expect(!notices.isEmpty)
    }

    @Test func aLineTooLongIsDroppedAndTold() throws {
        let writer = try writer()
        writer.write(String(repeating: "x", count: LogWriter.maximumBytes))
        #expect(try readLines(until: "dropped 1") == ["dropped 1"])
    }

    @Test(.timeLimit(.minutes(1)))
    func nobodyToWriteToIsNoError() async throws {
        signal(SIGPIPE, SIG_IGN)
        let writer = try writer()
        try pipe.fileHandleForReading.close()
        for _ in 0..<10 { writer.write("lost") }
        // Before the descriptor is somebody else's.
        while !writer.isIdle { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func levelsChangeForAllLoggersWithoutTheirOwn() throws {
        let level = LogLevel(.info)
        let handler = GatewayLogHandler(
            label: "l", writer: try writer(), format: .text, level: level)
        let log = Logger(label: "l") { _ in handler }
        var other = log
        other.logLevel = .error
        #expect(log.logLevel == .info)
        level.current = .trace
        #expect(log.logLevel == .trace && other.logLevel == .error)
        log.debug("one", metadata: ["a": "b"])
        other.debug("two")
        log.info("end")
        let lines = try readLines(until: "info end")
        #expect(lines.count == 2 && lines[0].hasSuffix("debug one a=b"))
    }
}
