import Foundation

/// An `openssl s_client` process: a TLS client that says what it is told.
final class TLSClient: Sendable {
    private let process: Process
    private let input: FileHandle
    private let output: Task<String, Never>

    init(_ port: UInt16, _ options: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + options
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.process = process
        self.input = input.fileHandleForWriting
        self.output = Task {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    let bytes = output.fileHandleForReading.readDataToEndOfFile()
                    continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
                }
            }
        }
    }

    func send(_ text: String) throws { try input.write(contentsOf: Data(text.utf8)) }

    /// Leaves as TLS wants it, with `close_notify`.
    func close() throws { try input.close() }

    /// Everything said about the handshake, and received, up to the end.
    var everything: String { get async { await output.value } }

    deinit { process.terminate() }
}
